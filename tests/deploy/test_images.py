"""What our images are made of, and what they may do."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.deploy.compose import Compose, image, version
from tests.support.docker import CommandLine

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images")]

TARGETS = ("api", "consumer", "cli")
_MOST_BYTES = 250 * 1000 * 1000


async def inspected(docker: CommandLine, target: str) -> dict[str, Any]:
    (found,) = json.loads(await docker.run("docker", "image", "inspect", image(target)))
    assert isinstance(found, dict)
    return found


async def in_image(docker: CommandLine, target: str, script: str) -> str:
    """Run a shell script as the image's own user, on a root that cannot be written to."""
    command = ("docker", "run", "--rm", "--read-only", "--network", "none", "--entrypoint", "sh", image(target))
    return await docker.run(*command, "-c", script)


@pytest.mark.parametrize("target", TARGETS)
async def test_an_image_is_small(docker: CommandLine, target: str) -> None:
    size = (await inspected(docker, target))["Size"]
    assert size <= _MOST_BYTES


@pytest.mark.parametrize("target", TARGETS)
async def test_an_image_says_what_it_is_and_how_it_is_stopped(docker: CommandLine, target: str) -> None:
    config: Mapping[str, Any] = (await inspected(docker, target))["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in config["Labels"].items()}
    assert labels["version"] == version()
    assert labels["licenses"] == "Apache-2.0"
    assert labels["title"].startswith("promptmill")
    assert labels["description"]
    assert labels["revision"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["User"] == "10001:10001"
    expected = ["NONE"] if target == "cli" else ["CMD", "python", "-P", "-m", "common.telemetry.probe"]
    assert config["Healthcheck"]["Test"][: len(expected)] == expected


@pytest.mark.parametrize("target", TARGETS)
async def test_nothing_that_builds_or_installs_is_left(docker: CommandLine, target: str) -> None:
    found = await in_image(
        docker,
        target,
        "for tool in pip pip3 apt apt-get dpkg cc gcc c++ make ld strip git curl wget; do command -v $tool; done; "
        'for module in pip setuptools hatchling; do python -c "import $module" 2>/dev/null && echo $module; done; '
        "find / -name '*.whl' 2>/dev/null; true",
    )
    assert found.split() == []


@pytest.mark.parametrize("target", TARGETS)
async def test_no_program_runs_as_somebody_else(docker: CommandLine, target: str) -> None:
    found = await in_image(docker, target, "find / -xdev -type f -perm /6000 2>/dev/null; true")
    assert found.split() == []


@pytest.mark.parametrize("target", TARGETS)
async def test_the_process_is_nobody_and_can_write_nowhere(docker: CommandLine, target: str) -> None:
    said = await in_image(docker, target, "id -u; id -g; touch /opt/promptmill/x /tmp/x 2>/dev/null || echo refused")
    assert said.split() == ["10001", "10001", "refused"]


@pytest.mark.parametrize("target", TARGETS)
async def test_byte_code_is_there_and_up_to_date(docker: CommandLine, target: str) -> None:
    """A root that cannot be written to would have it compiled anew at every start."""
    script = (
        "import importlib.util, pathlib, sys\n"
        "names = ('common.settings', 'consumer.app', 'producer_api.app', 'openai', 'fastapi', 'aiokafka')\n"
        "for name in names:\n"
        "    source = pathlib.Path(importlib.util.find_spec(name).origin)\n"
        "    code = pathlib.Path(importlib.util.cache_from_source(str(source))).read_bytes()\n"
        "    assert code[:4] == importlib.util.MAGIC_NUMBER, name\n"
        "    assert int.from_bytes(code[8:12], 'little') == int(source.stat().st_mtime), name\n"
        "print('as it should be')"
    )
    assert await in_image(docker, target, f'python -c "{script}"') == "as it should be\n"


async def test_the_command_line_says_its_version(docker: CommandLine) -> None:
    assert await docker.run("docker", "run", "--rm", image("cli"), "--version") == f"promptmill {version()}\n"


@pytest.mark.parametrize("target", ["api", "consumer"])
async def test_a_service_with_settings_that_disagree_says_which_and_ends(docker: CommandLine, target: str) -> None:
    wrong = ("--env", "PROMPTMILL_REDIS__URL=nonsense")
    ended = await docker.try_run("docker", "run", "--rm", "--read-only", *wrong, image(target))
    assert ended.status == 2
    assert "PROMPTMILL_REDIS__URL: should begin with redis://" in ended.err


async def test_compose_reads_how_many_workers_there_are(compose: Compose) -> None:
    assert (await compose.resolved({"PROMPTMILL_CONSUMERS": "4"}))["services"]["consumer"]["scale"] == 4


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("http://model:8080/v1", "none", "gemma-3-270m", None)),
        ({"OPENAI_API_KEY": "sk-test"}, ("", "", "", "sk-test")),
        (
            {"PROMPTMILL_LLM__BASE_URL": "http://mine/v1", "PROMPTMILL_LLM__MODEL": "own"},
            ("http://mine/v1", "none", "own", None),
        ),
        (
            {"OPENAI_API_KEY": "sk-test", "PROMPTMILL_LLM__BASE_URL": "http://mine/v1"},
            ("http://mine/v1", "", "", "sk-test"),
        ),
    ],
    ids=["nothing", "a key", "a server", "a key and a server"],
)
async def test_who_answers_follows_from_what_is_set(
    compose: Compose, given: Mapping[str, str], expected: tuple[str | None, ...]
) -> None:
    consumer = (await compose.resolved(given))["services"]["consumer"]["environment"]
    names = ("PROMPTMILL_LLM__BASE_URL", "PROMPTMILL_LLM__API_KEY", "PROMPTMILL_LLM__MODEL", "OPENAI_API_KEY")
    # Empty counts as not set: then it is OpenAI.
    assert tuple(consumer.get(name) for name in names) == expected

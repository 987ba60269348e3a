import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from tests.cli.running import run_command

# Each takes more time to import than the help may take to show.
HEAVY = ("aiohttp", "aiokafka", "pydantic", "redis", "fastapi", "openai")


async def test_the_version_is_the_packages(tmp_path: Path) -> None:
    run = await run_command("--version", folder=tmp_path)
    assert (run.status, run.output) == (0, f"promptmill {importlib.metadata.version('promptmill')}\n")


async def test_the_help_names_every_command_and_exit_status(tmp_path: Path) -> None:
    run = await run_command("--help", folder=tmp_path)
    assert run.status == 0
    for word in ("up", "submit", "tasks", "cancel", "retry", "workers", "dead-letters", "topics", "settings", "130"):
        assert word in run.output


def test_the_help_waits_for_nothing_that_it_does_not_need() -> None:
    code = f"""
import contextlib, sys
from cli.__main__ import main
with contextlib.suppress(SystemExit):
    main()
assert "typer" in sys.modules
print([name for name in {HEAVY} if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "No such command"),
        (("submit", "a", "--lane", "fast"), "--lane"),
        (("submit",), "nothing to submit"),
        (("submit", "-f", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("submit", "a", "--api", "host:80"), "the API's address (from --api) should look like"),
        (("tasks", "--watch"), "no task named"),
        (("up", "--workers", "0"), "--workers"),
        (("up", "--llm-base-url", "secret"), "promptmill: --llm-base-url should look like http://"),
        (("up", "--data-dir", ""), "Invalid value for '--data-dir'"),
        (("submit", "a", b"\xff".decode(errors="surrogateescape")), "prompt 2 of the command line: this is not UTF-8"),
        (("submit", "a", "--model", b"\xff".decode(errors="surrogateescape")), "--model: this is not UTF-8"),
        (("tasks", "-f", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("cancel",), "no task named"),
        (("cancel", "-f", "nowhere.txt"), "nowhere.txt cannot be read"),
    ],
)
async def test_a_wrong_command_is_said_to_be_one(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    run = await run_command(*arguments, folder=tmp_path)
    assert run.status == ExitCode.USAGE
    assert said in run.errors
    assert "Traceback" not in run.errors
    assert "secret" not in run.errors


async def test_an_address_from_the_environment_is_blamed_on_its_variable(tmp_path: Path) -> None:
    run = await run_command("up", folder=tmp_path, environ={"PROMPTMILL_LLM__BASE_URL": "secret"})
    assert run.status == ExitCode.USAGE
    assert run.errors == "promptmill: PROMPTMILL_LLM__BASE_URL should look like http://127.0.0.1:8080/v1\n"


async def test_settings_are_shown_with_their_meaning_and_secrets_are_masked(tmp_path: Path) -> None:
    environ = {
        "PROMPTMILL_API__PORT": "8123",
        "PROMPTMILL_LLM__API_KEY": "hidden",
        "PROMPTMILL_REDIS__URL": "redis://:hidden@host/0",
    }
    run = await run_command("settings", folder=tmp_path, environ=environ)
    assert run.status == 0
    assert "PROMPTMILL_API__PORT=8123  (PROMPTMILL_API__PORT; producer_api)\n    Port of the API" in run.output
    assert "PROMPTMILL_WORKER__CONCURRENCY=4  (default; consumer)\n" in run.output
    assert "PROMPTMILL_REDIS__URL=redis://********@host/0" in run.output
    assert "hidden" not in run.output + run.errors
    lines = (await run_command("settings", "--json", folder=tmp_path, environ=environ)).output.splitlines()
    key = next(row for row in map(json.loads, lines) if row["variable"] == "PROMPTMILL_LLM__API_KEY")
    assert key == {
        "variable": "PROMPTMILL_LLM__API_KEY",
        "value": "********",
        "source": "PROMPTMILL_LLM__API_KEY",
        "services": ["consumer"],
        "meaning": key["meaning"],
    }


async def test_a_misspelt_group_is_refused_as_the_services_refuse_it(tmp_path: Path) -> None:
    wrong, right = "PROMPTMILL_KAFAK__TOPIC_PREFIX", "PROMPTMILL_KAFKA__TOPIC_PREFIX"
    run = await run_command("settings", folder=tmp_path, environ={wrong: "x"})
    assert run.status == ExitCode.USAGE
    assert run.errors == f"promptmill: {wrong} is no setting; did you mean {right}?\n"


async def test_settings_that_no_service_would_start_with_are_a_line_each(tmp_path: Path) -> None:
    wrong, right = "PROMPTMILL_KAFKA__BOOTSTRAP_SERVER", "PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS"
    environ = {
        wrong: "x",
        "PROMPTMILL_API__PORT": "99999",
        "PROMPTMILL_WORKER__CONCURRENCY": "no number",
    }
    run = await run_command("settings", folder=tmp_path, environ=environ)
    assert run.status == ExitCode.USAGE
    assert run.output == ""
    lines = run.errors.splitlines()
    assert lines[0] == f"promptmill: {wrong} is no setting; did you mean {right}?"
    assert [line.split(":")[1].strip() for line in lines[1:]] == [
        "PROMPTMILL_API__PORT",
        "PROMPTMILL_WORKER__CONCURRENCY",
    ]
    assert "no number" not in run.errors

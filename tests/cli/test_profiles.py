import json
from pathlib import Path

import pytest

from cli.addresses import api_address
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.profiles import profile_names, profiles_file, read_profile
from tests.cli.running import run_command
from tests.cli.scripted_api import Reply, scripted_api, tasks

TASK_ID = "01970000-0000-7000-8000-000000000000"


def written(folder: Path, text: str, *, mode: int = 0o600) -> Path:
    file = profiles_file({"XDG_CONFIG_HOME": str(folder)})
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_CONFIG_HOME": "/there", "HOME": "/home/me"}, "/there/promptmill/profiles.toml"),
        ({"HOME": "/home/me"}, "/home/me/.config/promptmill/profiles.toml"),
        # As its specification has it, a relative one counts for nothing.
        ({"XDG_CONFIG_HOME": "there", "HOME": "/home/me"}, "/home/me/.config/promptmill/profiles.toml"),
    ],
)
def test_the_file_is_in_the_users_folder_of_configuration(environ: dict[str, str], expected: str) -> None:
    assert str(profiles_file(environ)) == expected


def test_a_profile_has_its_url_and_its_tokens_from_the_file_or_the_environment(tmp_path: Path) -> None:
    file = written(
        tmp_path, '[there]\nurl = "https://there"\ntoken = "first"\noperator_token_env = "TWO"\n[bare]\nurl="http://b"'
    )
    profile = read_profile("there", file, {"TWO": "second"})
    assert (profile.url, profile.token, profile.operator_token, profile.warning) == (
        "https://there",
        "first",
        "second",
        None,
    )
    assert "first" not in repr(profile)
    assert "second" not in repr(profile)
    assert profile_names(file) == ["there", "bare"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[other]\nurl = "https://there"\n', "has no profile 'there'; it has: other"),
        ("", "has no profile 'there'; it has: none"),
        ("[there]\n", "needs a url"),
        ('[there]\nurl = "https://there"\ntokn = "hidden"\n', "'tokn' is none of url, token"),
        ('[there]\nurl = "https://there"\ntoken = 7\n', "token should be a text"),
        ('[there]\nurl = "https://there"\ntoken = "hidden"\ntoken_env = "T"\n', "token or token_env, not both"),
        (
            '[there]\nurl = "https://there"\ntoken_env = "NOT_SET"\n',
            "the variable NOT_SET, which has its token, is not set",
        ),
        ('[there]\nurl = "https://there"\ntoken = "hidden\\n"\n', "characters that no header can carry"),
        ("there", "is no TOML"),
    ],
)
def test_a_profile_that_cannot_be_used_is_said_without_its_token(text: str, said: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(CommandError) as raised:
        read_profile("there", file, {})
    assert said in str(raised.value)
    assert raised.value.exit_code == ExitCode.USAGE
    assert "hidden" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"profiles\.toml does not exist"):
        read_profile("there", profiles_file({"XDG_CONFIG_HOME": str(tmp_path)}), {})


@pytest.mark.parametrize(
    ("text", "mode", "warned"),
    [
        ('[there]\nurl = "https://there"\ntoken = "one"\n', 0o644, True),
        ('[there]\nurl = "https://there"\ntoken = "one"\n', 0o600, False),
        ('[there]\nurl = "https://there"\ntoken_env = "T"\n', 0o644, False),
        ('[there]\nurl = "https://there"\n[other]\nurl = "https://other"\noperator_token = "x"\n', 0o640, True),
    ],
)
def test_a_file_with_a_token_that_others_may_read_is_warned_about(
    text: str, mode: int, *, warned: bool, tmp_path: Path
) -> None:
    file = written(tmp_path, text, mode=mode)
    warning = read_profile("there", file, {"T": "token"}).warning
    assert (warning is not None) == warned
    if warning is not None:
        assert f"chmod 600 {file}" in warning


def test_the_nearest_word_on_which_api_is_meant_holds(tmp_path: Path) -> None:
    written(tmp_path, '[there]\nurl = "https://there/"\ntoken = "one"\n[other]\nurl = "https://other"\n')
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "PROMPTMILL_API_URL": "http://url", "PROMPTMILL_PROFILE": "there"}
    given = api_address("http://option", environ, tmp_path)
    assert (given.value, given.source, given.token) == ("http://option", "from --api", None)
    chosen = api_address(None, environ, tmp_path, profile="there")
    assert (chosen.value, chosen.source, chosen.token) == ("https://there", "profile there, from --profile", "one")
    url = api_address(None, environ, tmp_path)
    assert (url.value, url.source, url.token) == ("http://url", "from PROMPTMILL_API_URL", None)
    del environ["PROMPTMILL_API_URL"]
    named = api_address(None, environ, tmp_path)
    assert (named.value, named.source) == ("https://there", "profile there, from PROMPTMILL_PROFILE")
    with pytest.raises(CommandError, match="not both"):
        api_address("http://option", environ, tmp_path, profile="there")


async def test_tokens_go_to_their_profiles_api_and_nowhere_else(tmp_path: Path) -> None:
    async with scripted_api(Reply(body={"tasks": [], "next": None}), Reply(body={"workers": []})) as api:
        written(tmp_path, f'[there]\nurl = "{api.url}"\ntoken = "tenants"\noperator_token = "operators"\n')
        environ = {"XDG_CONFIG_HOME": str(tmp_path), "PROMPTMILL_API__OPERATOR_TOKEN": "of-these-settings"}
        listed = await run_command("tasks", "--profile", "there", folder=tmp_path, environ=environ)
        workers = await run_command("workers", "--profile", "there", folder=tmp_path, environ=environ)
        assert (listed.status, workers.status) == (ExitCode.OK, ExitCode.NOT_COMPLETED)
        assert api.authorizations == ["Bearer tenants", "Bearer operators"]
        await run_command("tasks", "--api", api.url, folder=tmp_path, environ=environ)
        assert api.authorizations[2:] == [None]
    for run in (listed, workers):
        assert f"API {api.url} (profile there, from --profile)" in run.errors
        assert "tenants" not in run.output + run.errors
        assert "operators" not in run.output + run.errors


async def test_a_profile_without_an_operators_token_gets_none_of_this_machines(tmp_path: Path) -> None:
    async with scripted_api(Reply(body={"workers": []})) as api:
        written(tmp_path, f'[there]\nurl = "{api.url}"\n')
        environ = {
            "XDG_CONFIG_HOME": str(tmp_path),
            "PROMPTMILL_PROFILE": "there",
            "PROMPTMILL_API__OPERATOR_TOKEN": "of-these-settings",
        }
        await run_command("workers", folder=tmp_path, environ=environ)
        assert api.authorizations == [None]


async def test_a_token_that_others_may_read_is_said_once_and_the_command_goes_on(tmp_path: Path) -> None:
    async with scripted_api(tasks("completed")) as api:
        file = written(tmp_path, f'[there]\nurl = "{api.url}"\ntoken = "tenants"\n', mode=0o644)
        environ = {"XDG_CONFIG_HOME": str(tmp_path)}
        run = await run_command("tasks", TASK_ID, "--profile", "there", "--json", folder=tmp_path, environ=environ)
    assert run.status == ExitCode.OK
    assert json.loads(run.output)["status"] == "completed"
    assert run.errors.count(f"chmod 600 {file}") == 1

from pathlib import Path

import pytest

from tests.cli.running import run_command


async def completions(line: str, folder: Path, **environ: str) -> list[str]:
    """What bash is offered for the last word of the line."""
    run = await run_command(
        folder=folder,
        environ={
            "_PROMPTMILL_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
            **environ,
        },
    )
    assert run.status == 0, run.errors
    return run.output.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("promptmill doc", {"doctor"}),
        ("promptmill submit --lane ", {"interactive", "batch"}),
        ("promptmill tasks --status c", {"completed", "cancelled"}),
        ("promptmill topics tail ", {"interactive", "batch", "results", "dead-letters"}),
        ("promptmill dead-letters ", {"list", "show", "redrive"}),
        ("promptmill watch --prof", {"--profile"}),
    ],
)
async def test_commands_options_and_names_are_completed(line: str, offered: set[str], tmp_path: Path) -> None:
    assert set(await completions(line, tmp_path)) == offered


async def test_profiles_are_completed_by_the_users_own_names(tmp_path: Path) -> None:
    folder = tmp_path / "promptmill"
    folder.mkdir()
    (folder / "profiles.toml").write_text(
        '[staging]\nurl="http://a"\n[stable]\nurl="http://b"\n[other]\nurl="http://c"\n'
    )
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert set(await completions("promptmill tasks --profile sta", tmp_path, **environ)) == {"staging", "stable"}
    (folder / "profiles.toml").write_text("no toml")
    assert await completions("promptmill tasks --profile sta", tmp_path, **environ) == []


async def test_the_completion_script_is_for_the_command_by_its_name(tmp_path: Path) -> None:
    # Else typer looks for the shell among the processes above this one, where there may be none.
    environ = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "True"}
    run = await run_command("--show-completion", "bash", folder=tmp_path, environ=environ)
    assert "complete -o default -F _promptmill_completion promptmill" in run.output

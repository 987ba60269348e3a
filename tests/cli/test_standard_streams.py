"""What commands do where standard input, output or error is not what they would like."""

import json
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from tests.cli.answering_api import answering_api
from tests.cli.running import finish, run_command, run_redirected, start_command, start_program
from tests.cli.scripted_api import scripted_api, tasks

FULL = "promptmill: standard output cannot be written: No space left on device\n"
CLOSED = "promptmill: standard output cannot be written: it is closed\n"
_INTERRUPT = "__import__('os').kill(__import__('os').getpid(), 2)"
INTERRUPTING = {
    "a module": f"{_INTERRUPT}\n",
    "a text that a module has executed": f'exec("{_INTERRUPT}")\n',
    "an object's end": f"class Ending:\n    def __del__(self): {_INTERRUPT}\nEnding()\n",
}


@pytest.mark.parametrize(("redirection", "said"), [(">/dev/full", FULL), (">&-", CLOSED)])
@pytest.mark.parametrize("arguments", [("settings", "--json"), ("settings",), ("--help",), ("--version",)])
async def test_an_output_that_cannot_be_written_is_said_in_a_line(
    arguments: tuple[str, ...], redirection: str, said: str, tmp_path: Path
) -> None:
    run = await run_redirected(*arguments, redirection=redirection, folder=tmp_path)
    assert (run.status, run.errors) == (ExitCode.NOT_COMPLETED, said)


@pytest.mark.parametrize("arguments", [("settings", "--json"), ("settings",), ("--help",)])
async def test_who_has_read_enough_is_not_told_of_it(arguments: tuple[str, ...], tmp_path: Path) -> None:
    process = await start_command(*arguments, folder=tmp_path)
    # Its reader is gone before anything is written.
    assert process.stdout is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]
    run = await finish(process)
    assert (run.status, run.errors) == (ExitCode.NOT_COMPLETED, "")


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
async def test_a_submission_whose_answers_cannot_be_written_goes_on_by_the_same_command(
    redirection: str, tmp_path: Path
) -> None:
    (tmp_path / "prompts.txt").write_text("one\ntwo\n")
    async with answering_api() as api:
        command = ("submit", "-f", "prompts.txt", "--json", "--api", api.url)
        lost = await run_redirected(*command, redirection=redirection, folder=tmp_path)
        again = await run_command(*command, folder=tmp_path)
    assert lost.status == ExitCode.NOT_COMPLETED
    *_, going_on, hint, said = lost.errors.splitlines(keepends=True)
    assert going_on == "2 accepted tasks go on without this command.\n"
    assert hint.startswith("Give the same command the same input again to have all answers")
    assert said in (FULL, CLOSED)
    assert "Traceback" not in lost.errors
    assert [json.loads(line)["result"].split()[0] for line in again.output.splitlines()] == ["one", "two"]
    assert api.accepted == ["one", "two"]


async def test_answers_to_arguments_that_cannot_be_written_are_found_by_their_ids(tmp_path: Path) -> None:
    async with scripted_api(tasks("completed", status=202)) as api:
        run = await run_redirected("submit", "one", "--api", api.url, redirection=">/dev/full", folder=tmp_path)
    assert (run.status, run.errors.endswith(FULL)) == (ExitCode.NOT_COMPLETED, True)
    assert "\npromptmill watch 0\n" in run.errors


@pytest.mark.parametrize("command", ["tasks", "watch"])
async def test_a_closed_standard_input_hinders_nobody_who_is_not_asked_to_read_it(command: str, tmp_path: Path) -> None:
    async with scripted_api(tasks("completed")) as api:
        run = await run_redirected(command, "0", "--json", "--api", api.url, redirection="<&-", folder=tmp_path)
    assert (run.status, json.loads(run.output)["task_id"]) == (ExitCode.OK, "0"), run.errors


@pytest.mark.parametrize("command", ["tasks", "watch", "cancel", "retry"])
async def test_a_closed_standard_input_is_said_where_it_should_be_read(command: str, tmp_path: Path) -> None:
    run = await run_redirected(command, "-f", "-", redirection="<&-", folder=tmp_path)
    assert (run.status, run.errors) == (ExitCode.USAGE, "promptmill: standard input cannot be read: it is closed\n")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
async def test_messages_that_nobody_can_read_are_no_part_of_the_output(redirection: str, tmp_path: Path) -> None:
    async with scripted_api(tasks("completed")) as api:
        run = await run_redirected("tasks", "0", "--json", "--api", api.url, redirection=redirection, folder=tmp_path)
    assert run.status == ExitCode.OK
    assert [json.loads(line)["task_id"] for line in run.output.splitlines()] == ["0"]


@pytest.mark.parametrize("module", ["typer", "aiohttp"])
@pytest.mark.parametrize("place", INTERRUPTING)
@pytest.mark.parametrize("way", ["as a module", "as it is installed"])
async def test_ctrl_c_while_modules_are_read_ends_as_it_does_later(
    way: str, place: str, module: str, tmp_path: Path
) -> None:
    # Of these modules one is read at the start, the other by the command.
    (tmp_path / f"{module}.py").write_text(INTERRUPTING[place])
    [entry] = entry_points(group="console_scripts", name="promptmill")
    script = f"import sys; from {entry.module} import {entry.attr}; sys.exit({entry.attr}())"
    argv = ("-m", "cli") if way == "as a module" else ("-c", script)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    run = await finish(
        await start_program(sys.executable, *argv, "tasks", folder=tmp_path, environ={"PYTHONPATH": path})
    )
    assert (run.status, run.output, run.errors) == (ExitCode.INTERRUPTED, "", "")

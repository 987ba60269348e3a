"""`promptmill dead-letters` against an API that answers by a script; the real one is in the end-to-end tests."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from common.task import new_task_id
from tests.cli.running import Finished, run_command
from tests.cli.scripted_api import Reply, ScriptedApi, refusal, scripted_api

TASK = "01a2058f-a149-70d4-86bf-f76ece198e15"


def page(name: str, *entries: dict[str, Any], following: str | None = None, remaining: int = 0) -> Reply:
    return Reply(200, {name: list(entries), "scanned": 5, "remaining": remaining, "next": following})


def letter(position: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": position,
        "task_id": TASK,
        "tenant": "acme",
        "reason": "It \x1b[2Jfailed.",
        "error_code": "model_error",
        "failed_at": 1_790_000_000.5,
        **fields,
    }


def item(position: str, status: str, run: int | None = 2) -> dict[str, Any]:
    return {"id": position, "task_id": TASK, "run": run, "status": status}


async def run(api: ScriptedApi, folder: Path, *arguments: str, **environ: str) -> Finished:
    return await run_command(
        "dead-letters", *arguments, folder=folder, environ={"PROMPTMILL_API_URL": api.url, **environ}
    )


async def test_a_list_goes_on_until_it_has_as_many_as_were_asked_for(tmp_path: Path) -> None:
    replies = [
        page("dead_letters", following="0.5.9", remaining=4),
        page("dead_letters", letter("0-6"), letter("0-7"), following="0.8.9", remaining=1),
    ]
    async with scripted_api(*replies) as api:
        done = await run(api, tmp_path, "list", "--limit", "2", "--tenant", "acme", "--reason", "fail", "--json")
    assert done.status == ExitCode.OK
    assert [json.loads(line)["id"] for line in done.output.splitlines()] == ["0-6", "0-7"]
    assert done.errors.splitlines()[-1] == "1 more to look at: --after 0.8.9"
    assert api.requests == [
        "GET /v1/operator/dead-letters?reason=fail&tenant=acme&limit=2",
        "GET /v1/operator/dead-letters?reason=fail&tenant=acme&limit=2&after=0.5.9",
    ]


async def test_a_list_for_people_says_who_and_why_and_cannot_control_the_terminal(tmp_path: Path) -> None:
    async with scripted_api(page("dead_letters", letter("0-6"), letter("1-0", task_id=None, reason=None))) as api:
        done = await run(api, tmp_path, "list")
    heading, first, why, second, _ = done.output.splitlines()
    assert heading.split() == ["letter", "task", "error"]
    assert first.split() == ["0-6", TASK, "model_error"]
    assert why.endswith("acme  It \\x1b[2Jfailed.")
    assert second.split() == ["1-0", "-", "model_error"]


async def test_no_letters_is_said_and_is_no_failure(tmp_path: Path) -> None:
    async with scripted_api(page("dead_letters")) as api:
        done = await run(api, tmp_path, "list", "--since", "2h")
    assert (done.status, done.output) == (ExitCode.OK, "")
    assert done.errors.splitlines()[-1] == "no dead letters"
    [request] = api.requests
    assert "since=" in request


async def test_a_redrive_goes_on_page_by_page_and_counts(tmp_path: Path) -> None:
    replies = [
        page("items", item("0-1", "started"), item("0-2", "moved"), following="0.3.9", remaining=6),
        page("items", item("0-3", "started")),
    ]
    async with scripted_api(*replies) as api:
        done = await run(api, tmp_path, "redrive", "--all")
    assert done.status == ExitCode.OK
    assert [line.split() for line in done.output.splitlines()] == [
        ["0-1", TASK, "started,", "run", "2"],
        ["0-2", TASK, "moved,", "run", "2"],
        ["0-3", TASK, "started,", "run", "2"],
    ]
    assert done.errors.splitlines()[-1] == "2 started, 1 moved"
    assert len(api.requests) == 2


@pytest.mark.parametrize("status", ["unreadable", "missing", "too_large"])
async def test_a_letter_that_cannot_be_redriven_has_an_exit_status(tmp_path: Path, status: str) -> None:
    async with scripted_api(page("items", item("0-1", status, None), item("0-2", "started"))) as api:
        done = await run(api, tmp_path, "redrive", "0-1", "0-2", "--json", "--dry-run")
    assert done.status == ExitCode.NOT_COMPLETED
    assert [json.loads(line)["status"] for line in done.output.splitlines()] == [status, "started"]
    assert done.errors.splitlines()[-1].startswith("a dry run, nothing done: ")


async def test_a_task_without_a_letter_is_said(tmp_path: Path) -> None:
    async with scripted_api(page("items")) as api:
        done = await run(api, tmp_path, "redrive", TASK)
    assert done.status == ExitCode.NOT_COMPLETED
    assert f"no dead letter of task {TASK}" in done.errors


async def test_letters_that_are_unknown_do_not_hide_the_others(tmp_path: Path) -> None:
    unknown = refusal(404, "There is no such dead letter.", "dead_letter_not_found")
    known = Reply(200, letter("0-1", headers={}, value="x"))
    async with scripted_api(unknown, known, unknown) as api:
        done = await run(api, tmp_path, "show", "0-9999", "0-1", "0-7", "--json")
    assert done.status == ExitCode.NOT_COMPLETED
    assert [json.loads(line)["id"] for line in done.output.splitlines()] == ["0-1"]
    assert done.errors.splitlines()[1:] == ["no dead letter at 0-9999", "no dead letter at 0-7"]
    async with scripted_api(refusal(400, "A position looks like 3-17.", "invalid_value")) as api:
        done = await run(api, tmp_path, "show", "3", "--json")
    assert (done.status, done.output) == (ExitCode.USAGE, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("redrive",),
        ("redrive", "--dry-run"),
        ("redrive", "0-1", "--all"),
        ("redrive", "--all", "--tenant", "acme"),
        ("redrive", "--since", "yesterday"),
        ("list", "--until", "soon"),
        ("show",),
    ],
)
async def test_what_is_not_said_clearly_is_a_wrong_command(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    async with scripted_api(page("items")) as api:
        done = await run(api, tmp_path, *arguments)
    assert done.status == ExitCode.USAGE
    assert api.requests == []
    assert "Traceback" not in done.errors


async def test_a_refusal_is_said_as_it_is(tmp_path: Path) -> None:
    async with scripted_api(refusal(403, "This machine only.")) as api:
        done = await run(api, tmp_path, "redrive", "--all")
    assert done.status == ExitCode.USAGE
    assert done.errors.splitlines()[-1] == "promptmill: This machine only. (some_code)"


async def test_an_api_that_breaks_off_is_asked_again(tmp_path: Path) -> None:
    async with scripted_api(Reply(cut=True), page("items", item("0-1", "again"))) as api:
        done = await run(api, tmp_path, "redrive", "0-1")
    assert done.status == ExitCode.OK
    assert len(api.requests) == 2
    assert "answers again" in done.errors


async def test_what_answers_otherwise_is_no_api_of_ours(tmp_path: Path) -> None:
    async with scripted_api(Reply(200, {"items": [1], "scanned": 0, "remaining": 0, "next": None})) as api:
        done = await run(api, tmp_path, "redrive", "0-1")
    assert done.status == ExitCode.USAGE
    assert "does not answer as Promptmill does" in done.errors


async def test_more_ids_than_one_request_takes_are_asked_for_in_several(tmp_path: Path) -> None:
    task_ids = [new_task_id() for _ in range(1_001)]
    positions = [f"0-{number}" for number in range(101)]
    async with scripted_api(*(page("items") for _ in range(4))) as api:
        done = await run(api, tmp_path, "redrive", *task_ids, *positions)
    assert len(api.requests) == 4, done.errors[-500:]
    assert done.status == ExitCode.NOT_COMPLETED

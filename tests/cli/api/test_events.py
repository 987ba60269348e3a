import json
from contextlib import aclosing
from typing import Any

import pytest

from cli.addresses import ApiAddress
from cli.api.client import connected_api
from cli.api.patience import Patience
from cli.errors import CommandError
from tests.cli.scripted_api import Reply, refusal, scripted_api

IMPATIENT = Patience(first_seconds=0.05, outage_seconds=5)


def event(number: int, status: str, **more: Any) -> bytes:
    data = {"task_id": "a", "status": status, "progress": 0, "attempts": 1, **more}
    return f"id: {number}\nevent: status\ndata: {json.dumps(data)}\n\n".encode()


async def moves_of(*replies: Reply, patience: Patience = IMPATIENT) -> tuple[list[str], list[str | None], list[str]]:
    """The statuses told, the Last-Event-ID of each request, and what was said."""
    said: list[str] = []
    async with (
        scripted_api(*replies) as api,
        connected_api(ApiAddress(api.url, "of the test"), said.append, patience) as client,
        aclosing(client.moves(["a"])) as moves,
    ):
        told = [move.view.status async for move in moves]
        assert set(api.requests) == {"GET /v1/tasks/events?task_ids=a"}
        return told, api.last_event_ids, said


async def test_a_stream_that_ends_is_taken_up_behind_its_last_event_until_there_is_no_more() -> None:
    first, second = event(1, "queued") + event(2, "processing"), event(3, "completed", result="r")
    told, ids, said = await moves_of(Reply(body=first), Reply(body=b"retry: 10\n\n" + second), Reply(status=204))
    assert told == ["queued", "processing", "completed"]
    assert ids == [None, "2", "3"]
    assert said == []


async def test_a_stream_that_breaks_is_taken_up_too_and_that_is_said() -> None:
    told, ids, said = await moves_of(
        Reply(body=event(1, "queued")),
        refusal(503, "Redis is away.", "store_unavailable", Retry_After="0"),
        Reply(body=event(2, "completed")),
        Reply(status=204),
    )
    assert told == ["queued", "completed"]
    assert ids == [None, "1", "1", "2"]
    assert ["does not answer" in line for line in said] == [True, False]
    assert "answers again" in said[-1]


@pytest.mark.parametrize(
    "reply", [refusal(503, "Too many follow.", "overloaded"), refusal(400, "Too many ids.", "limit_exceeded")]
)
async def test_where_the_api_has_no_stream_for_it_the_tasks_are_asked_for(reply: Reply) -> None:
    assert (await moves_of(reply))[0] == []


async def test_what_is_no_move_of_a_task_is_passed_over() -> None:
    content = b"event: dropped\ndata: {}\n\nevent: new\ndata: 7\n\n" + event(1, "queued")
    assert (await moves_of(Reply(body=content), Reply(status=204)))[0] == ["queued"]


async def test_an_api_that_stays_away_ends_the_command() -> None:
    patience = Patience(first_seconds=0.05, outage_seconds=0.05)
    with pytest.raises(CommandError, match=r"does not answer: Redis is away\."):
        await moves_of(Reply(body=event(1, "queued")), refusal(503, "Redis is away.", "x"), patience=patience)

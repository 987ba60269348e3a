"""What is said of one request of prompts."""

import io
import time
from datetime import datetime
from uuid import UUID

import pytest
from rich.console import Console

from cli.addresses import ApiAddress
from cli.api.client import connected_api
from cli.tasks.board import Board
from cli.tasks.progress_display import PlainDisplay
from cli.tasks.prompts import PromptLine
from cli.tasks.request_chunks import chunks_of, derived_keys
from cli.tasks.submitting import add_accepted
from tests.cli.scripted_api import Reply, scripted_api

HOUR = 3600.0


def id_made_at(moment: float) -> str:
    """A uuid7 (RFC 9562): milliseconds, version and variant."""
    return str(UUID(int=(int(moment * 1000) << 80) | (7 << 76) | (2 << 62)))


async def said_of(task_id: str) -> str:
    """What is said when a request of one prompt is answered with the id."""
    output = io.StringIO()
    display = PlainDisplay(Console(file=output, highlight=False))
    [chunk] = chunks_of(iter([PromptLine("p")]), {}, derived_keys(""))
    reply = Reply(202, {"tasks": [{"task_id": task_id, "status": "queued"}]})
    async with scripted_api(reply) as api, connected_api(ApiAddress(api.url, "of the test"), display.say) as client:
        await add_accepted(client, chunk, {}, Board(missing_seconds=0), display)
    return output.getvalue()


async def test_tasks_of_an_earlier_run_are_said_to_be_so_with_their_time() -> None:
    before = time.time() - HOUR
    said = await said_of(id_made_at(before))
    assert f"submitted before, {datetime.fromtimestamp(before).astimezone():%F %T}" in " ".join(said.split())
    assert "--key NAME" in said


@pytest.mark.parametrize("ahead", [0.0, 2.0, -2.0, HOUR], ids=["now", "clock ahead", "clock behind", "far ahead"])
async def test_new_tasks_are_not_whatever_the_clock_of_the_api_says(ahead: float) -> None:
    assert "submitted before" not in await said_of(id_made_at(time.time() + ahead))


async def test_an_id_of_another_making_says_nothing_of_its_time() -> None:
    assert "submitted before" not in await said_of("some-id")

import asyncio
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest
from rich.console import Console

from cli.addresses import ApiAddress
from cli.api.client import connected_api
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.tasks.board import Board, Row
from cli.tasks.bulk import Bulk
from cli.tasks.progress_display import PlainDisplay
from cli.tasks.prompts import PromptLine
from cli.tasks.request_chunks import Chunk, chunks_of, derived_keys
from tests.cli.answering_api import AnsweringApi, answering_api
from tests.support.waiting import until


class Run:
    """One run of a bulk against an API, with what it has written so far."""

    def __init__(self) -> None:
        self.written: list[Row] = []
        self.board = Board(missing_seconds=0)
        self.output = io.StringIO()

    @property
    def results(self) -> list[str]:
        return [(row.view.result or row.view.status).split()[0] for row in self.written]

    def write(self, rows: Sequence[Row]) -> None:
        self.written += rows


@asynccontextmanager
async def bulk_of(api: AnsweringApi, run: Run, *, wait: bool = True, **bounds: int) -> AsyncIterator[Bulk]:
    display = PlainDisplay(Console(file=run.output, highlight=False))
    async with connected_api(ApiAddress(api.url, "of the test"), display.say) as client:
        yield Bulk(client, run.board, display, run.write, {}, wait=wait, **bounds)


def chunks(lines: Iterator[PromptLine], *, of: int = 10) -> Iterator[Chunk]:
    return chunks_of(lines, {}, derived_keys(""), max_prompts=of)


def numbered(count: int) -> Iterator[PromptLine]:
    return (PromptLine(f"p{number}") for number in range(count))


async def test_all_answers_are_written_in_order_each_once() -> None:
    run = Run()
    async with answering_api() as api, bulk_of(api, run) as bulk:
        await bulk.run(chunks(numbered(1_234)))
    assert run.results == [f"p{number}" for number in range(1_234)]
    assert run.board.rows == []
    assert run.board.all_completed
    assert run.output.getvalue().splitlines()[-1] == "1234 of 1234 done: 1,234 completed"


async def test_behind_an_answer_that_does_not_come_no_more_than_a_window_is_submitted() -> None:
    run = Run()
    async with answering_api() as api, bulk_of(api, run, window=100) as bulk:
        api.held.add("p3")
        async with asyncio.timeout(60), asyncio.TaskGroup() as running:
            running.create_task(bulk.run(chunks(numbered(1_000))))
            await until(lambda: len(api.accepted) >= 100 and len(run.written) == 3, what="the window to be full")
            looks = len(api.asked)
            await until(lambda: len(api.asked) > looks + 3, what="further rounds")
            assert len(api.accepted) <= 110
            assert run.results == ["p0", "p1", "p2"]
            api.held.clear()
    assert run.results == [f"p{number}" for number in range(1_000)]


async def test_while_answers_fill_the_memory_only_the_one_that_they_wait_for_is_asked_for() -> None:
    run = Run()
    async with answering_api(answer_size=10_000) as api, bulk_of(api, run, held_bytes=500_000) as bulk:
        api.held.add("p0")
        async with asyncio.timeout(60), asyncio.TaskGroup() as running:
            running.create_task(bulk.run(chunks(numbered(2_000), of=500)))
            await until(lambda: api.asked[-3:] == [["p0"]] * 3, what="the first alone to be asked for")
            held = sum(len(row.view.result or "") for row in run.board.rows)
            # The bound, and one query over it.
            assert 400_000 <= held <= 500_000 + 100 * 11_000
            api.held.clear()
    assert run.results == [f"p{number}" for number in range(2_000)]


async def test_without_waiting_rows_are_written_as_they_are_accepted() -> None:
    run = Run()
    async with answering_api() as api, bulk_of(api, run, wait=False) as bulk:
        api.held |= {f"p{number}" for number in range(100)}
        await bulk.run(chunks(numbered(100)))
        assert [row.view.status for row in run.written] == ["queued"] * 100
        assert api.asked == []


async def test_a_line_that_cannot_be_sent_ends_the_run_behind_the_requests_before_it() -> None:
    def lines() -> Iterator[PromptLine]:
        yield from numbered(25)
        raise CommandError("line 26 is bad", ExitCode.USAGE)

    run = Run()
    async with answering_api() as api, bulk_of(api, run) as bulk:
        with pytest.raises(CommandError, match="line 26 is bad"):
            await bulk.run(chunks(lines()))
        assert len(api.accepted) == 20


async def test_what_the_queue_did_not_take_of_a_request_is_sent_again_in_its_place() -> None:
    runs = [Run(), Run()]
    async with answering_api() as api:
        # Of the first request its prompts 3 and 7, and of what is sent again the first once more.
        api.unwritten = [3, 7, 0]
        for run in runs:
            async with bulk_of(api, run) as bulk:
                await bulk.run(chunks(numbered(20)))
        assert sorted(api.accepted) == sorted(f"p{number}" for number in range(20))
    for run in runs:
        assert run.results == [f"p{number}" for number in range(20)]
    assert [row.view.task_id for row in runs[0].written] == [row.view.task_id for row in runs[1].written]


async def test_what_the_queue_never_takes_is_said_by_its_number() -> None:
    run = Run()
    async with answering_api() as api, bulk_of(api, run) as bulk:
        api.unwritten = [3, 0, 0]
        await bulk.run(chunks(numbered(10)))
    assert run.results == ["p0", "p1", "p2", "failed", *(f"p{number}" for number in range(4, 10))]
    assert "prompt 4 was not accepted: not written (not_written, prompt 4)" in run.output.getvalue()
    assert not run.board.all_completed

"""Prompts in and answers out, in order, however many: a window of them is in memory at a time."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from cli.api.client import ApiClient
from cli.tasks.board import Board, Row
from cli.tasks.polling import IDS_PER_QUERY, pause_seconds, queries
from cli.tasks.progress import progress_view
from cli.tasks.progress_display import ProgressDisplay
from cli.tasks.reading_apart import read_apart
from cli.tasks.request_chunks import Chunk
from cli.tasks.submitting import add_accepted

WINDOW = 10_000
HELD_BYTES = 64 * 1024 * 1024
# Of an answer beside its text.
_ANSWER_BYTES = 1_000
_MOST_ASKED = 10 * IDS_PER_QUERY


class Bulk:
    """One run over all chunks.

    Args:
        api: What they are submitted to.
        board: Has the prompts that are submitted and whose answers are not written.
        display: Shows progress.
        write: Gets rows in order, each once: with its end, or as accepted where nothing is waited for.
        common: What stands in each request beside its prompts.
        wait: Whether the ends are waited for.
        window: Prompts submitted and not written yet, at most, but for the last request's.
        held_bytes: Of answers that wait for an earlier one; beyond it only that one is asked for.
    """

    def __init__(
        self,
        api: ApiClient,
        board: Board,
        display: ProgressDisplay,
        write: Callable[[Sequence[Row]], None],
        common: Mapping[str, Any],
        *,
        wait: bool,
        window: int = WINDOW,
        held_bytes: int = HELD_BYTES,
    ) -> None:
        self._api = api
        self._board = board
        self._display = display
        self._write = write
        self._common = common
        self._wait = wait
        self._window = window
        self._held_bytes = held_bytes
        self._changed = asyncio.Event()
        self._all_submitted = False

    async def run(self, chunks: Iterator[Chunk]) -> None:
        """Submit all and write all.

        Raises:
            CommandError: A line cannot be sent, the API refused a request or does not answer.
        """
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._submit(read_apart(chunks)), name="submit prompts")
                both.create_task(self._follow(), name="follow what was submitted")
        except BaseExceptionGroup as group:
            # The first end of one of the two; the other was cancelled by it.
            raise group.exceptions[0] from None

    async def _submit(self, chunks: AsyncGenerator[Chunk, None]) -> None:
        async with aclosing(chunks) as reading:
            async for chunk in reading:
                while len(self._board.rows) >= self._window:
                    self._changed.clear()
                    await self._changed.wait()
                await add_accepted(self._api, chunk, self._common, self._board, self._display)
                if not self._wait:
                    self._write(self._board.take_off(len(self._board.rows)))
                self._show()
        self._all_submitted = True

    async def _follow(self) -> None:
        while not (self._all_submitted and not self._board.rows):
            asked = finished = 0
            for task_ids in self._due():
                finished += self._board.update(task_ids, await self._api.read(task_ids), time.time())
                asked += len(task_ids)
                self._write_head()
                if self._holds_too_much():
                    break
            self._write_head()
            self._show()
            # Where all that was asked for has ended there is more.
            if not asked or finished < asked:
                await asyncio.sleep(pause_seconds(asked, finished))

    def _due(self) -> Iterable[Sequence[str]]:
        """The oldest: answers far from the first that is missing would only be held."""
        unfinished = self._board.unfinished
        return [unfinished[:1]] if self._holds_too_much() else queries(unfinished[:_MOST_ASKED], 0)

    def _write_head(self) -> None:
        ended = self._board.ended_at_head
        if ended:
            self._write(self._board.take_off(ended))
            self._changed.set()

    def _holds_too_much(self) -> bool:
        """Whether answers that wait for an earlier one leave room for that alone."""
        held = (_ANSWER_BYTES + len(row.view.result or "") for row in self._board.rows if row.is_final)
        return sum(held) >= self._held_bytes

    def _show(self) -> None:
        now = time.time()
        has_more = not self._all_submitted
        view = progress_view(self._board, self._board.total, now, one_line_each=False, has_more=has_more)
        self._display.show(view, now)

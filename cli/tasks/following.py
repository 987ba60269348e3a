"""Tasks until they are final: told by the API as they move, or asked for where they are too many for that."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing

from cli.api.client import ApiClient
from cli.tasks.board import Board
from cli.tasks.polling import IDS_PER_QUERY, pause_seconds, queries
from cli.tasks.progress import progress_view
from cli.tasks.progress_display import ProgressDisplay
from common.task import parse_task_id

# Ten streams of one client; with more tasks than that a person looks at counts, which asking is good for.
_MOST_TOLD = 10 * IDS_PER_QUERY
_REPAINT_SECONDS = 0.1


async def follow(api: ApiClient, board: Board, display: ProgressDisplay) -> None:
    """Follow until every task of the board is final, and show what changes.

    Raises:
        CommandError: The API stopped answering.
    """
    show(board, len(board.rows), display)
    if len(board.unfinished) <= _MOST_TOLD:
        await _hear(api, board, display)
    await _poll(api, board, display)


async def _hear(api: ApiClient, board: Board, display: ProgressDisplay) -> None:
    """Show the tasks as the API tells their moves, until it has told all it can."""
    task_ids = board.unfinished
    groups = [task_ids[begin : begin + IDS_PER_QUERY] for begin in range(0, len(task_ids), IDS_PER_QUERY)]
    painting = asyncio.create_task(_paint(board, display), name="paint progress")
    try:
        async with asyncio.TaskGroup() as streams:
            for group in groups:
                streams.create_task(_hear_some(api, group, board), name="hear of tasks")
    except BaseExceptionGroup as group:
        # All of them speak with the same API: the first end is as good as any.
        raise group.exceptions[0] from None
    finally:
        painting.cancel()
    show(board, len(board.rows), display)


async def _hear_some(api: ApiClient, task_ids: Sequence[str], board: Board) -> None:
    # An id may be written in another way than the task has it.
    asked = {parse_task_id(task_id) or task_id: task_id for task_id in task_ids}
    left = set(asked.values())
    async with aclosing(api.moves(task_ids)) as moves:
        async for move in moves:
            task_id = asked.get(move.task_id, move.task_id)
            board.move(task_id, move, time.time())
            if move.is_end:
                left.discard(task_id)
                if not left:
                    return


async def _paint(board: Board, display: ProgressDisplay) -> None:
    while True:
        show(board, len(board.rows), display)
        await asyncio.sleep(_REPAINT_SECONDS)


async def _poll(api: ApiClient, board: Board, display: ProgressDisplay) -> None:
    round_number = 0
    while not board.is_done:
        asked = finished = 0
        for task_ids in queries(board.unfinished, round_number):
            views = await api.read(task_ids)
            finished += board.update(task_ids, views, time.time())
            asked += len(task_ids)
        # Once a round: with many tasks the picture costs more than the question.
        show(board, len(board.rows), display)
        round_number += 1
        if not board.is_done:
            await asyncio.sleep(pause_seconds(asked, finished))


def show(board: Board, total: int, display: ProgressDisplay) -> None:
    """Show the board as it is now; `total` is how many rows it will have."""
    now = time.time()
    display.show(progress_view(board, total, now), now)

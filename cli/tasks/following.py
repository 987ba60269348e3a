import asyncio
import time

from cli.api.client import ApiClient
from cli.tasks.board import Board
from cli.tasks.polling import pause_seconds, queries
from cli.tasks.progress import progress_view
from cli.tasks.progress_display import ProgressDisplay


async def follow(api: ApiClient, board: Board, display: ProgressDisplay) -> None:
    """Poll until every task of the board is final, and show what changes.

    Raises:
        CommandError: The API stopped answering.
    """
    round_number = 0
    show(board, len(board.rows), display)
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

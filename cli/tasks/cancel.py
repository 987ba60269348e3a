"""`promptmill cancel`: end tasks without their answers, and say how each stands then."""

import asyncio
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from cli.addresses import ApiAddress
from cli.api.client import ApiClient, connected_api
from cli.api.task_view import TaskView
from cli.exit_codes import ExitCode
from cli.tasks.answers import write_jsonl
from cli.tasks.board import Board
from cli.tasks.progress_display import progress_display
from cli.tasks.table import show_tasks
from common.task import Status

_AT_ONCE = 10


def cancel(task_ids: Sequence[str], address: ApiAddress, *, as_json: bool) -> ExitCode:
    """Cancel the tasks and write them to standard output, in the order given.

    `OK` when each is cancelled now; `NOT_COMPLETED` when some had ended otherwise before, or are not known.

    Raises:
        CommandError: The API refused a request or does not answer. Some may be cancelled; repeating does no harm.
    """
    console = Console(stderr=True, highlight=False)
    try:
        views = asyncio.run(_run(task_ids, address, console))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    board = Board(missing_seconds=0)
    now = time.time()
    for task_id, view in zip(task_ids, views, strict=True):
        board.add(task_id, task_id, view, now)
    if as_json:
        write_jsonl(sys.stdout, board.rows)
    else:
        show_tasks(Console(highlight=False), board.rows, now)
    cancelled = all(view.status == Status.CANCELLED for view in views)
    return ExitCode.OK if cancelled else ExitCode.NOT_COMPLETED


async def _run(task_ids: Sequence[str], address: ApiAddress, console: Console) -> list[TaskView]:
    views: list[TaskView] = []
    with progress_display(console) as display:
        display.say(f"API {address.value} ({address.source})")
        async with connected_api(address, display.say) as api:
            for begin in range(0, len(task_ids), _AT_ONCE):
                views += await _cancel_some(api, task_ids[begin : begin + _AT_ONCE])
    return views


async def _cancel_some(api: ApiClient, task_ids: Sequence[str]) -> list[TaskView]:
    # Every one is asked for, whatever becomes of another; then the first error counts.
    answers = await asyncio.gather(*(api.cancel(task_id) for task_id in task_ids), return_exceptions=True)
    views: list[TaskView] = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        views.append(answer)
    return views

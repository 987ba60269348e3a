"""`promptmill tasks` without ids: the newest tasks, those that are meant."""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from cli.addresses import ApiAddress
from cli.api.client import connected_api
from cli.api.task_view import TaskView
from cli.exit_codes import ExitCode
from cli.json_lines import write_json_lines
from cli.tasks.board import Board
from cli.tasks.progress_display import progress_display
from cli.tasks.table import show_tasks

_PER_PAGE = 200


@dataclass(frozen=True, slots=True)
class _Found:
    views: list[TaskView]
    rest: str | None


def list_tasks(
    wanted: Mapping[str, str], address: ApiAddress, *, limit: int, after: str | None, as_json: bool
) -> ExitCode:
    """Write at most `limit` tasks to standard output, newest first; `wanted` are the API's own filters.

    Raises:
        CommandError: The API refused a request or does not answer.
    """
    console = Console(stderr=True, highlight=False)
    try:
        found = asyncio.run(_list(wanted, address, console, limit=limit, after=after))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    if as_json:
        write_json_lines(sys.stdout, (view.answer for view in found.views))
    elif found.views:
        board, now = Board(missing_seconds=0), time.time()
        for view in found.views:
            board.add(view.task_id or "", view.task_id, view, now)
        show_tasks(Console(highlight=False), board.rows, now)
    if found.rest is not None:
        console.print(Text(f"more: --after {found.rest}"), soft_wrap=True)
    elif not found.views:
        console.print("no tasks")
    return ExitCode.OK


async def _list(
    wanted: Mapping[str, str], address: ApiAddress, console: Console, *, limit: int, after: str | None
) -> _Found:
    views: list[TaskView] = []
    with progress_display(console) as display:
        display.say(f"API {address.value} ({address.source})")
        async with connected_api(address, display.say) as api:
            while True:
                page, after = await api.newest(wanted, limit=min(limit - len(views), _PER_PAGE), after=after)
                views += page
                if after is None or len(views) >= limit:
                    return _Found(views, after)

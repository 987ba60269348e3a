"""`promptmill tasks`: how tasks stand now, or until they are final."""

import asyncio
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from rich.console import Console

from cli.addresses import ApiAddress
from cli.api.client import ApiClient, connected_api
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.tasks.answers import write_jsonl
from cli.tasks.board import Board
from cli.tasks.following import follow
from cli.tasks.polling import IDS_PER_QUERY
from cli.tasks.progress_display import progress_display
from cli.tasks.prompt_source import STDIN
from cli.tasks.table import show_tasks

_SEPARATORS = re.compile(r"[\s,]+")


def read_task_ids(arguments: Sequence[str], file: Path | None, stdin: Callable[[], BinaryIO]) -> list[str]:
    """Every id once, in order: the arguments, then the file's; spaces, commas and line ends part them.

    `stdin` opens standard input, where that is the file.

    Raises:
        CommandError: There is none, or the file or standard input cannot be read.
    """
    texts = list(arguments)
    try:
        if file is not None:
            texts.append((stdin().read() if file == STDIN else file.read_bytes()).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", ExitCode.USAGE) from error
    task_ids = [task_id for text in texts for task_id in _SEPARATORS.split(text) if task_id]
    if not task_ids:
        raise CommandError('no task named: give ids, or a file of them with "-f"', ExitCode.USAGE)
    return list(dict.fromkeys(task_ids))


def show(task_ids: Sequence[str], address: ApiAddress, *, watch: bool, as_json: bool) -> ExitCode:
    """Write the tasks to standard output; with `watch`, show their progress first until all are final.

    Raises:
        CommandError: The API refused a request or does not answer.
    """
    console = Console(stderr=True, highlight=False)
    # Whoever asks for an id by name wants to hear at once that it is unknown.
    board = Board(missing_seconds=0)
    try:
        asyncio.run(_run(task_ids, address, board, console, watch=watch))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    if as_json:
        write_jsonl(sys.stdout, board.rows)
    else:
        show_tasks(Console(highlight=False), board.rows, time.time())
    has_failures = any(row.is_final and not row.view.is_completed for row in board.rows)
    return ExitCode.NOT_COMPLETED if has_failures else ExitCode.OK


async def _run(task_ids: Sequence[str], address: ApiAddress, board: Board, console: Console, *, watch: bool) -> None:
    with progress_display(console) as display:
        display.say(f"API {address.value} ({address.source})")
        async with connected_api(address, display.say) as api:
            await _read_all(api, task_ids, board)
            if watch and not board.is_done:
                await follow(api, board, display)


async def _read_all(api: ApiClient, task_ids: Sequence[str], board: Board) -> None:
    for begin in range(0, len(task_ids), IDS_PER_QUERY):
        asked = task_ids[begin : begin + IDS_PER_QUERY]
        for task_id, view in zip(asked, await api.read(asked), strict=True):
            board.add(task_id, task_id, view, time.time())

"""`promptmill submit`: prompts in, answers out."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.addresses import Address
from cli.api.client import connected_api
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.tasks.answers import write_answers, write_jsonl
from cli.tasks.board import Board
from cli.tasks.following import follow, show
from cli.tasks.progress_display import ProgressDisplay, progress_display
from cli.tasks.prompts import Prompt, prompt_text
from cli.tasks.request_chunks import requests_of
from cli.terminal_text import excerpt
from common.task import Lane

_LABEL_WIDTH = 60

# Accepted tasks are not forgotten: a store that lost them has them again when a worker comes to their records.
_MISSING_SECONDS = 60.0

# Beyond, a command line with all ids is no longer something to copy.
_MAX_IDS_IN_HINT = 20


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """What is asked for beside the prompts; None leaves it to the API."""

    model: str | None
    lane: Lane | None
    deadline_seconds: float | None
    wait: bool
    as_json: bool

    def fields(self) -> dict[str, Any]:
        """The request's fields beside `prompts`."""
        asked = {"model": self.model, "lane": self.lane, "deadline_seconds": self.deadline_seconds}
        return {name: value for name, value in asked.items() if value is not None}


def submit(prompts: Sequence[Prompt], address: Address, options: SubmitOptions) -> ExitCode:
    """Submit all prompts, follow their tasks unless asked not to, and write what came of them to standard output.

    Raises:
        CommandError: The API refused a request or does not answer. Tasks accepted until then are named.
    """
    console = Console(stderr=True, highlight=False)
    board = Board(missing_seconds=_MISSING_SECONDS)
    try:
        asyncio.run(_run(prompts, address, options, board, console))
    except KeyboardInterrupt:
        _say_how_to_go_on(console, board)
        return ExitCode.INTERRUPTED
    except CommandError:
        _say_how_to_go_on(console, board)
        raise
    if options.as_json:
        write_jsonl(sys.stdout, board.rows)
    elif options.wait:
        write_answers(sys.stdout, board)
    else:
        sys.stdout.writelines(f"{task_id}\n" for task_id in board.task_ids)
    accepted = len(board.task_ids) == len(prompts)
    return ExitCode.OK if accepted and (board.all_completed or not options.wait) else ExitCode.NOT_COMPLETED


async def _run(
    prompts: Sequence[Prompt], address: Address, options: SubmitOptions, board: Board, console: Console
) -> None:
    with progress_display(console) as display:
        display.say(f"API {address.value} ({address.source})")
        async with connected_api(address, display.say) as api:
            labels = iter([excerpt(prompt_text(prompt), _LABEL_WIDTH) for prompt in prompts])
            for count, body in requests_of(prompts, options.fields()):
                for view in await api.submit(body, prompts=count, first=len(board.rows) + 1):
                    board.add(next(labels), view.task_id, view, time.time())
                show(board, len(prompts), display)
            _say_refused(board, display)
            if options.wait:
                await follow(api, board, display)


def _say_refused(board: Board, display: ProgressDisplay) -> None:
    refused = [(number, row) for number, row in enumerate(board.rows, start=1) if row.view.task_id is None]
    for number, row in refused[:_MAX_IDS_IN_HINT]:
        display.say(f"prompt {number} was not accepted: {row.view.error or row.view.status}")
    if len(refused) > _MAX_IDS_IN_HINT:
        display.say(f"{len(refused)} prompts in all were not accepted")


def _say_how_to_go_on(console: Console, board: Board) -> None:
    task_ids = board.task_ids
    if not task_ids:
        return
    if len(task_ids) <= _MAX_IDS_IN_HINT:
        how = " ".join(task_ids)
    else:
        with tempfile.NamedTemporaryFile(
            "w", encoding="ascii", prefix="promptmill-", suffix=".txt", delete=False
        ) as file:
            file.writelines(f"{task_id}\n" for task_id in task_ids)
        how = f"-f {Path(file.name)}"
    console.print(
        f"{len(task_ids)} accepted tasks go on without this command. See them with:\npromptmill tasks --watch {how}",
        soft_wrap=True,
        markup=False,
    )

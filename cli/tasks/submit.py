"""`promptmill submit`: prompts in, answers out."""

import asyncio
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.addresses import ApiAddress
from cli.api.client import connected_api
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.tasks.answers import write_answers, write_jsonl
from cli.tasks.board import Board, Row
from cli.tasks.bulk import Bulk
from cli.tasks.following import follow, show
from cli.tasks.progress_display import progress_display
from cli.tasks.prompt_source import PromptSource
from cli.tasks.request_chunks import Chunk, chunks_of, derived_keys
from cli.tasks.submitting import add_accepted
from common.task import Lane

# Accepted tasks are not forgotten: a store that lost them has them again when a worker comes to their records.
_MISSING_SECONDS = 60.0

# Beyond, a command line with all ids is no longer something to copy.
_MAX_IDS_IN_HINT = 20


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """What is asked for beside the prompts; None leaves it to the API. `key` names the run, see `derived_keys`."""

    model: str | None
    lane: Lane | None
    deadline_seconds: float | None
    key: str | None
    wait: bool
    as_json: bool

    def fields(self) -> dict[str, Any]:
        """The request's fields beside `prompts`."""
        asked = {"model": self.model, "lane": self.lane, "deadline_seconds": self.deadline_seconds}
        return {name: value for name, value in asked.items() if value is not None}


def submit(source: PromptSource, address: ApiAddress, options: SubmitOptions) -> ExitCode:
    """Submit all prompts, follow their tasks unless asked not to, and write what came of them to standard output.

    Raises:
        CommandError: A line cannot be sent, the API refused a request or does not answer. What goes on is said.
    """
    console = Console(stderr=True, highlight=False)
    board = Board(missing_seconds=_MISSING_SECONDS)
    in_bulk = source.is_stream and (options.as_json or source.is_jsonl or not options.wait)
    can_resume = options.key is not None or source.is_stream
    key_of = derived_keys(options.key or "") if can_resume else _random_key
    chunks = chunks_of(source.lines, options.fields(), key_of)
    run = _run_in_bulk if in_bulk else _run_whole
    try:
        asyncio.run(run(chunks, address, options, board, console))
    except KeyboardInterrupt:
        _say_how_to_go_on(console, board, can_resume=can_resume)
        return ExitCode.INTERRUPTED
    except CommandError:
        _say_how_to_go_on(console, board, can_resume=can_resume)
        raise
    all_accepted = board.accepted == board.total
    return ExitCode.OK if all_accepted and (board.all_completed or not options.wait) else ExitCode.NOT_COMPLETED


def _random_key(_number: int, _body: bytes) -> str:
    return str(uuid.uuid4())


async def _run_in_bulk(
    chunks: Iterator[Chunk], address: ApiAddress, options: SubmitOptions, board: Board, console: Console
) -> None:
    def write(rows: Sequence[Row]) -> None:
        if options.wait or options.as_json:
            write_jsonl(sys.stdout, rows)
        else:
            sys.stdout.writelines(f"{row.view.task_id}\n" for row in rows if row.view.task_id is not None)
        # Whoever reads has whole lines, also of a run that is interrupted.
        sys.stdout.flush()

    with progress_display(console) as display:
        display.say(f"API {address.value} ({address.source})")
        async with connected_api(address, display.say) as api:
            bulk = Bulk(api, board, display, write, options.fields(), wait=options.wait)
            await bulk.run(chunks)


async def _run_whole(
    chunks: Iterator[Chunk], address: ApiAddress, options: SubmitOptions, board: Board, console: Console
) -> None:
    whole = list(chunks)
    total = sum(len(chunk.lines) for chunk in whole)
    with progress_display(console) as display:
        display.say(f"API {address.value} ({address.source})")
        async with connected_api(address, display.say) as api:
            for chunk in whole:
                await add_accepted(api, chunk, options.fields(), board, display)
                show(board, total, display)
            if options.wait:
                await follow(api, board, display)
    if options.as_json:
        write_jsonl(sys.stdout, board.rows)
    elif options.wait:
        write_answers(sys.stdout, board)
    else:
        sys.stdout.writelines(f"{task_id}\n" for task_id in board.task_ids)
    # What cannot be written is said while it is known how to go on.
    sys.stdout.flush()


def _say_how_to_go_on(console: Console, board: Board, *, can_resume: bool) -> None:
    if not board.accepted:
        return
    console.print(f"{board.accepted:,} accepted tasks go on without this command.", soft_wrap=True)
    if can_resume:
        hint = "Give the same command the same input again to have all answers: nothing is run twice."
        console.print(hint, soft_wrap=True, markup=False)
        return
    task_ids = board.task_ids
    if len(task_ids) <= _MAX_IDS_IN_HINT:
        how = " ".join(task_ids)
    else:
        with tempfile.NamedTemporaryFile(
            "w", encoding="ascii", prefix="promptmill-", suffix=".txt", delete=False
        ) as file:
            file.writelines(f"{task_id}\n" for task_id in task_ids)
        how = f"-f {Path(file.name)}"
    console.print(f"See them with:\npromptmill watch {how}", soft_wrap=True, markup=False)

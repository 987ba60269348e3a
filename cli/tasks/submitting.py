"""One request of prompts, and what is said of it."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cli.api.client import ApiClient
from cli.api.task_view import TaskView
from cli.tasks.board import Board
from cli.tasks.progress_display import ProgressDisplay
from cli.tasks.prompts import prompt_text
from cli.tasks.request_chunks import Chunk, requests_of
from cli.terminal_text import excerpt

_LABEL_WIDTH = 60
# Beyond, only their number is said.
_MOST_REFUSED_SAID = 20
# The API could not write some of a request, the others are accepted: a repeat of the whole would say the same again.
_UNWRITTEN = "not_written"
_MOST_REPEATS = 2
# This machine's clock and the API's.
_CLOCKS_DIFFER_SECONDS = 5.0
_UUID7, _BITS_BEHIND_TIME = 7, 80


async def add_accepted(
    api: ApiClient, chunk: Chunk, common: Mapping[str, Any], board: Board, display: ProgressDisplay
) -> None:
    """Submit the chunk, `common` beside its prompts, and add a row for each of them to the board.

    Raises:
        CommandError: The API refused the request or does not answer.
    """
    first, began = board.total + 1, time.time()
    views = await api.submit(chunk.body, prompts=len(chunk.lines), first=first, idempotency_key=chunk.idempotency_key)
    for repeat in range(1, _MOST_REPEATS + 1):
        places = [place for place, view in enumerate(views) if _is_unwritten(view)]
        if places:
            await _repeat(api, chunk, common, views, places, key=f"{chunk.idempotency_key}-{repeat}")
    now = time.time()
    for line, view in zip(chunk.lines, views, strict=True):
        label = excerpt(prompt_text(line.prompt), _LABEL_WIDTH)
        board.add(label, view.task_id, view, now, custom_id=line.custom_id)
    if first == 1:
        _say_repeated(views, began, display)
    _say_refused(views, first, display)


async def _repeat(
    api: ApiClient, chunk: Chunk, common: Mapping[str, Any], views: list[TaskView], places: Sequence[int], *, key: str
) -> None:
    """Submit those of the chunk once more that could not be written, under a key that a later run comes to as well."""
    prompts = [chunk.lines[place].prompt for place in places]
    [(count, body)] = requests_of(prompts, common, max_prompts=len(prompts), max_bytes=len(chunk.body))
    again = await api.submit(body, prompts=count, idempotency_key=key)
    for place, view in zip(places, again, strict=True):
        # One that was refused again has its first number in its error.
        if view.task_id is not None:
            views[place] = view


def _is_unwritten(view: TaskView) -> bool:
    error = view.answer.get("error")
    return view.task_id is None and isinstance(error, dict) and error.get("code") == _UNWRITTEN


def _say_repeated(views: Sequence[TaskView], began: float, display: ProgressDisplay) -> None:
    """An id has the time of its making: one that is older than the request was made for an earlier one."""
    made = [id_time(view.task_id) for view in views if view.task_id is not None]
    earliest = min((moment for moment in made if moment is not None), default=began)
    if earliest < began - _CLOCKS_DIFFER_SECONDS:
        when = f"{datetime.fromtimestamp(earliest).astimezone():%F %T}"
        display.say(f"submitted before, {when}: going on with those tasks; another --key NAME would run them anew")


def id_time(task_id: str) -> float | None:
    """When the id was made, in Unix seconds; None for what is no uuid7."""
    try:
        parsed = UUID(task_id)
    except ValueError:
        return None
    return (parsed.int >> _BITS_BEHIND_TIME) / 1000 if parsed.version == _UUID7 else None


def _say_refused(views: Sequence[TaskView], first: int, display: ProgressDisplay) -> None:
    refused = [(number, view) for number, view in enumerate(views, start=first) if view.task_id is None]
    for number, view in refused[:_MOST_REFUSED_SAID]:
        display.say(f"prompt {number} was not accepted: {view.error or view.status}")
    if len(refused) > _MOST_REFUSED_SAID:
        display.say(f"{len(refused)} prompts of one request were not accepted")

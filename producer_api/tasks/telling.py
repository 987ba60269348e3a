"""What is said next to a client that was told so much of a task. Pure.

A task's deltas since its last reset are, put together, the text of the attempt that it is in; when it has completed
they are its result.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from common.store.moves import Move
from common.store.state import TaskState
from common.store.texts import Part, joined
from common.task import Status
from producer_api.tasks.cursor import EVERYTHING, Told
from producer_api.tasks.views import task_view

_CONTINUES, _TOP_BITS = 0x80, 0xC0


class Event(NamedTuple):
    """One event of a stream: its name and data, and what its reader has been told of the task after it."""

    name: str
    data: dict[str, Any]
    told: Told


def tell_state(asked: str, state: TaskState | None, told: Told) -> list[Event]:
    """What brings a client to `state`, which was read just now; nothing where it is there already.

    A task that moved several times since is told as it stands. `asked` is the id as the client wrote it.
    """
    if told.ended or (state is not None and state.moved_at == told.moved_at):
        return []
    if state is None:
        return [Event("status", task_view(asked, None), EVERYTHING)]
    view = task_view(asked, state)
    events = []
    if told.text_bytes and not _goes_on(told, state.status, state.run, state.attempts):
        events.append(_reset(state.task_id, state.status, state.progress, state.attempts, told))
        told = told._replace(text_bytes=0)
    if not state.status.is_final:
        now = Told(state.moved_at, state.run, state.attempts, told.text_bytes)
        return [*events, Event("status", view, now)]
    if told.moved_at and state.status is Status.COMPLETED and view["result"]:
        events += _rest(state, view["result"], told)
    return [*events, Event("status", view, EVERYTHING)]


def tell_text(state: TaskState, more: bytes, told: Told) -> list[Event]:
    """More of the text of a task under way, told after all else of `state`."""
    text = _characters(more)
    if not text:
        return []
    data = {**_brief(state.task_id, state.status, state.progress, state.attempts), "delta": text}
    return [Event("delta", data, told._replace(text_bytes=told.text_bytes + len(more)))]


def known_text(run: int, attempts: int, told: Told) -> int:
    """How many bytes of that attempt's text were told."""
    return told.text_bytes if (run, attempts) == (told.run, told.attempts) else 0


def tell_move(move: Move, told: Told) -> list[Event]:
    """What a client is to know of a move that is no end, told as it happened; nothing where it is old.

    Its part of the text, if it has one, goes on where the text that was told ends, or earlier.
    """
    if told.ended or move.moved_at <= told.moved_at or move.status is None:
        return []
    events = []
    if told.text_bytes and not _goes_on(told, move.status, move.run, move.attempts):
        events.append(_reset(move.task_id, move.status, move.progress, move.attempts, told))
        told = told._replace(text_bytes=0)
    data = _brief(move.task_id, move.status, move.progress, move.attempts)
    now = Told(move.moved_at, move.run, move.attempts, told.text_bytes)
    if move.part is None:
        return [*events, Event("status", data, now)]
    more = joined([move.part], after=now.text_bytes)
    text = _characters(more)
    if not text:
        return events
    data["delta"] = text
    return [*events, Event("delta", data, now._replace(text_bytes=now.text_bytes + len(more)))]


def merged(moves: Sequence[Move]) -> list[Move]:
    """The same, with what came of one text in several parts as one part: who is behind is told it at once."""
    if len(moves) == 1:
        return list(moves)
    kept: list[Move] = []
    latest: dict[str, int] = {}
    for move in moves:
        place = latest.get(move.task_id)
        if place is not None and move.part is not None:
            earlier = kept[place]
            if earlier.part is not None and _follows(move, earlier) and _ends(earlier.part) == move.part.start:
                part = Part(earlier.part.start, earlier.part.content + move.part.content)
                kept[place] = move._replace(part=part)
                continue
        latest[move.task_id] = len(kept)
        kept.append(move)
    return kept


def _follows(move: Move, earlier: Move) -> bool:
    return (move.run, move.attempts) == (earlier.run, earlier.attempts)


def _ends(part: Part) -> int:
    return part.start + len(part.content)


def _goes_on(told: Told, status: Status, run: int, attempts: int) -> bool:
    """Whether the text that was told is still that of the task."""
    return status is not Status.QUEUED and (run, attempts) == (told.run, told.attempts)


def _characters(content: bytes) -> str:
    """The text of it, which ends between characters; who names an offset within a character has that character."""
    skipped = 0
    while skipped < len(content) and content[skipped] & _TOP_BITS == _CONTINUES:
        skipped += 1
    return content[skipped:].decode()


def _rest(state: TaskState, result: str, told: Told) -> list[Event]:
    """The part of a result that was not told yet."""
    whole = result.encode()
    try:
        rest = whole[told.text_bytes :].decode()
    except UnicodeDecodeError:
        # What was told is no part of it: a rebuild may have found the result of another attempt.
        reset = _reset(state.task_id, state.status, state.progress, state.attempts, told)
        return [reset, *_rest(state, result, told._replace(text_bytes=0))]
    if not rest:
        return []
    data = {**_brief(state.task_id, state.status, state.progress, state.attempts), "delta": rest}
    # As of the move before: the end itself comes after it.
    return [Event("delta", data, Told(told.moved_at, state.run, state.attempts, len(whole)))]


def _reset(task_id: str, status: Status, progress: int, attempts: int, told: Told) -> Event:
    data = {**_brief(task_id, status, progress, attempts), "reset": True}
    return Event("reset", data, told._replace(text_bytes=0))


def _brief(task_id: str, status: Status, progress: int, attempts: int) -> dict[str, Any]:
    return {"task_id": task_id, "status": status, "progress": progress, "attempts": attempts}

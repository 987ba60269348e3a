"""What happens to one task, told so that its text can be passed on as it comes. Pure.

The text of an attempt is counted in bytes of UTF-8. What is told of it never begins or ends within a character.
"""

from dataclasses import dataclass
from typing import NamedTuple

from common.store.moves import Move
from common.store.state import TaskState
from common.store.texts import joined
from common.task import Status

_CONTINUES, _TOP_BITS = 0x80, 0xC0


class Position(NamedTuple):
    """So much of the text is known: the first `offset` bytes of that of attempt `attempt` of `run`."""

    run: int = 0
    attempt: int = 0
    offset: int = 0


BEGINNING = Position()


@dataclass(frozen=True, slots=True)
class Queued:
    """The task waits for its first call, or, after `attempts` of them, for the next."""

    run: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Started:
    """A call of the model has begun: attempt `attempt`, 1 being the first."""

    run: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Text:
    """More of the text of that attempt, behind its first `start` bytes."""

    run: int
    attempt: int
    start: int
    content: str

    @property
    def end(self) -> int:
        """How many bytes of the text are known with it."""
        return self.start + len(self.content.encode())


@dataclass(frozen=True, slots=True)
class Reset:
    """The `offset` bytes that were told of that attempt's text are no part of the answer: the attempt is lost."""

    run: int
    attempt: int
    offset: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over. `state` has its result record; None where the task was deleted."""

    state: TaskState | None


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing happened for a while: a sign of life is due."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """This process ends before the task does."""


Happening = Queued | Started | Text | Reset | Ended | Silence | Stopping


class Known(NamedTuple):
    """What was told so far: up to the move at `moved_at`, in whole milliseconds; `stage` is the last that was told."""

    position: Position
    moved_at: int = 0
    stage: Queued | Started | None = None


def on_state(state: TaskState, answer: str, known: Known) -> tuple[list[Happening], Known]:
    """What `state`, which was read just now, adds; `answer` is the text of a run that has completed."""
    if state.moved_at < known.moved_at and not state.status.is_final:
        return [], known
    happenings, known = _on_stage(state.status, state.run, state.attempts, state.moved_at, known)
    if not state.status.is_final:
        return happenings, known
    if state.status is not Status.COMPLETED:
        return [*(one for one in happenings if isinstance(one, Reset)), Ended(state)], known
    more, known = _on_answer(answer.encode(), known)
    return [*happenings, *more, Ended(state)], known


def on_move(move: Move, known: Known) -> tuple[list[Happening], Known]:
    """What a move that is no end adds; its part of the text must not begin behind what is known."""
    if move.moved_at <= known.moved_at or move.status is None or move.is_end:
        return [], known
    happenings, known = _on_stage(move.status, move.run, move.attempts, move.moved_at, known)
    if move.part is None:
        return happenings, known
    more, known = on_text(joined([move.part], after=known.position.offset), known)
    return happenings + more, known


def on_text(content: bytes, known: Known) -> tuple[list[Happening], Known]:
    """More of the text of the attempt that is under way, where what is known of it ends."""
    run, attempt, offset = known.position
    skipped = 0
    # Who names an offset within a character has that character.
    while skipped < len(content) and content[skipped] & _TOP_BITS == _CONTINUES:
        skipped += 1
    if skipped == len(content):
        return [], known
    text = Text(run, attempt, offset + skipped, content[skipped:].decode())
    return [text], known._replace(position=Position(run, attempt, offset + len(content)))


def text_known(move: Move, known: Known) -> int:
    """How many bytes of the text of the move's attempt are known."""
    position = known.position
    return position.offset if (move.run, move.attempts) == (position.run, position.attempt) else 0


def _on_stage(status: Status, run: int, attempts: int, moved_at: int, known: Known) -> tuple[list[Happening], Known]:
    happenings: list[Happening] = []
    position = known.position
    goes_on = status is not Status.QUEUED and (run, attempts) == (position.run, position.attempt)
    if not goes_on:
        if position.offset:
            happenings.append(Reset(*position))
        position = Position(run, attempts)
    stage = Queued(run, attempts) if status is Status.QUEUED or not attempts else Started(run, attempts)
    if stage != known.stage:
        happenings.append(stage)
    return happenings, Known(position, moved_at, stage)


def _on_answer(whole: bytes, known: Known) -> tuple[list[Happening], Known]:
    """The part of a completed run's text that was not told yet."""
    run, attempt, offset = known.position
    if offset > len(whole) or not _is_between_characters(whole, offset):
        # What was told is no part of it: a rebuild may have found the result of another attempt.
        more, known = on_text(whole, known._replace(position=Position(run, attempt)))
        return [Reset(run, attempt, offset), *more], known
    return on_text(whole[offset:], known)


def _is_between_characters(text: bytes, offset: int) -> bool:
    return offset == len(text) or text[offset] & _TOP_BITS != _CONTINUES

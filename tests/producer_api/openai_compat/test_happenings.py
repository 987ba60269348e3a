"""What happens to a task, for readers who come at any time and leave off anywhere."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from common.store.moves import Move
from common.store.state import TaskState
from common.store.texts import Part
from common.task import Lane, Status
from producer_api.openai_compat.happenings import (
    Ended,
    Happening,
    Known,
    Position,
    Queued,
    Reset,
    Started,
    Text,
    on_move,
    on_state,
    on_text,
    text_known,
)

NOTHING = Known(Position())
SOME = "wörd 🦉 "


def state(status: Status, *, moved_at: int = 1, run: int = 1, attempts: int = 1, **more: Any) -> TaskState:
    return TaskState(
        task_id="t", status=status, run=run, tenant="t", lane=Lane.INTERACTIVE, progress=0, attempts=attempts,
        created_at=0, expires_at=9, moved_at=moved_at, **more,
    )  # fmt: skip


def move(moved_at: int, *, attempts: int = 1, status: Status = Status.PROCESSING, part: Part | None = None) -> Move:
    return Move("t", moved_at, 1, status, 30, attempts, part)


def text_of(happenings: list[Happening]) -> str:
    """What a reader has put together."""
    text = ""
    for happening in happenings:
        if isinstance(happening, Reset):
            assert happening.offset == len(text.encode())
            text = ""
        if isinstance(happening, Text):
            assert happening.start == len(text.encode())
            text += happening.content
            assert happening.end == len(text.encode())
    return text


def test_a_task_is_queued_then_started_then_ended_and_each_is_said_once() -> None:
    seen: list[Happening] = []
    known = NOTHING
    for one in (
        state(Status.QUEUED, moved_at=1, attempts=0), state(Status.QUEUED, moved_at=1, attempts=0),
        state(Status.PROCESSING, moved_at=2), state(Status.PROCESSING, moved_at=3),
        state(Status.QUEUED, moved_at=4), state(Status.PROCESSING, moved_at=5, attempts=2),
    ):  # fmt: skip
        more, known = on_state(one, "", known)
        seen += more
    failed = state(Status.FAILED, moved_at=6, attempts=2)
    assert seen == [Queued(1, 0), Started(1, 1), Queued(1, 1), Started(1, 2)]
    assert on_state(failed, "", known)[0] == [Ended(failed)]


def test_a_move_that_was_read_before_it_was_heard_is_not_told_again() -> None:
    _, known = on_state(state(Status.PROCESSING, moved_at=5), "", NOTHING)
    _, known = on_text(b"abc", known)
    assert on_move(move(5, part=Part(0, b"abc")), known) == ([], known)
    assert on_move(move(6, part=Part(1, b"bcd")), known)[0] == [Text(1, 1, 3, "d")]
    _, known = on_state(state(Status.QUEUED, moved_at=8), "", known)
    assert on_move(move(7), known) == ([], known)


def test_a_reading_that_is_older_than_what_was_heard_changes_nothing() -> None:
    _, known = on_move(move(7, attempts=2), NOTHING)
    assert on_state(state(Status.PROCESSING, moved_at=6), "", known) == ([], known)


@pytest.mark.parametrize(
    ("then", "happenings"),
    [
        (state(Status.QUEUED, moved_at=3), [Reset(1, 1, 3), Queued(1, 1)]),
        (state(Status.PROCESSING, moved_at=3, attempts=2), [Reset(1, 1, 3), Started(1, 2)]),
        (state(Status.PROCESSING, moved_at=3, run=2, attempts=1), [Reset(1, 1, 3), Started(2, 1)]),
    ],
)
def test_the_text_of_a_lost_attempt_is_taken_back(then: TaskState, happenings: list[Happening]) -> None:
    _, known = on_move(move(2, part=Part(0, b"abc")), NOTHING)
    told, known = on_state(then, "", known)
    assert told == happenings
    assert known.position.offset == 0


def test_the_text_of_a_cancelled_attempt_stands_as_it_was() -> None:
    _, known = on_move(move(2, part=Part(0, b"abc")), NOTHING)
    cancelled = state(Status.CANCELLED, moved_at=3)
    assert on_state(cancelled, "", known)[0] == [Ended(cancelled)]


@pytest.mark.parametrize(("start", "told"), [(0, "🦉!"), (1, "!"), (3, "!"), (4, "!")])
def test_an_offset_within_a_character_counts_as_behind_it(start: int, told: str) -> None:
    whole = "🦉!".encode()
    [text], known = on_text(whole[start:], Known(Position(1, 1, start)))
    assert isinstance(text, Text)
    assert text.content == told
    assert known.position == Position(1, 1, len(whole))


def test_an_answer_that_is_another_than_what_was_told_replaces_it() -> None:
    completed = state(Status.COMPLETED)
    for offset in (2, 9):
        happenings, _ = on_state(completed, "🦉!", Known(Position(1, 1, offset), 1, Started(1, 1)))
        assert happenings == [Reset(1, 1, offset), Text(1, 1, 0, "🦉!"), Ended(completed)]


@given(st.lists(st.tuples(st.text(min_size=1, max_size=4), st.booleans()), max_size=12), st.data())
def test_the_parts_of_a_text_are_its_whole_wherever_a_reader_leaves_off_and_comes_back(
    parts: list[tuple[str, bool]], data: st.DataObject
) -> None:
    """Some parts are heard, some are missed; a reader may lose what it kept but for its position."""
    answer = "".join(text for text, _ in parts) + SOME
    seen: list[Happening] = []
    known, offset = NOTHING, 0
    for number, (text, is_heard) in enumerate(parts, start=2):
        content = text.encode()
        if is_heard:
            one = move(number, part=Part(offset, content))
            start = text_known(one, known)
            if start < offset:
                one = one._replace(part=Part(start, answer.encode()[start : offset + len(content)]))
            more, known = on_move(one, known)
            seen += more
        offset += len(content)
        if data.draw(st.booleans()):
            known = Known(known.position)
    more, _ = on_state(state(Status.COMPLETED, moved_at=99), answer, known)
    seen += more
    assert text_of(seen) == answer
    assert not [happening for happening in seen if isinstance(happening, Reset)]

from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from common.result import Result, encode_result
from common.store.moves import Move
from common.store.state import TaskState
from common.store.texts import Part
from common.task import Lane, Status
from producer_api.tasks.cursor import EVERYTHING, NOTHING, Told
from producer_api.tasks.telling import Event, known_text, merged, tell_move, tell_state, tell_text

ID = "01a2058f-a149-70d4-86bf-f76ece198e15"


def state(status: Status, *, moved_at: int = 9, run: int = 1, attempts: int = 1, text: str | None = None) -> TaskState:
    content = {"choices": [{"message": {"content": text}}]}
    result = Result(
        task_id=ID, tenant="t", status=status, created_at=1.0, expires_at=9.0, finished_at=2.0,
        status_code=200, body=orjson.dumps(content),
    )  # fmt: skip
    return TaskState(
        ID, status, run, "t", Lane.INTERACTIVE, 100 if status is Status.COMPLETED else 25, attempts, 1.0, 9.0,
        moved_at=moved_at, result=encode_result(result) if status.is_final else None,
    )  # fmt: skip


def move(
    status: Status | None, *, moved_at: int = 9, run: int = 1, attempts: int = 1, part: Part | None = None
) -> Move:
    return Move(ID, moved_at, run, status, 25, attempts, part)


def more(start: int, text: str, **fields: int) -> Move:
    return move(Status.PROCESSING, part=Part(start, text.encode()), **fields)


def said(events: list[Event]) -> list[tuple[str, Any]]:
    return [(event.name, event.data.get("delta", event.data["status"])) for event in events]


# Half of what the task of these tests says: "Aare, ü" is eight bytes.
HALF = Told(5, 1, 1, 8)
RESET, COMPLETED = [("reset", "completed")], [("status", "completed")]


@pytest.mark.parametrize(
    ("found", "told", "expected"),
    [
        (state(Status.QUEUED), NOTHING, [("status", "queued")]),
        (state(Status.COMPLETED, text="Aare"), NOTHING, [("status", "completed")]),
        (state(Status.PROCESSING), Told(9, 1, 1), []),
        (state(Status.PROCESSING), Told(5, 1, 1), [("status", "processing")]),
        (state(Status.PROCESSING), HALF, [("status", "processing")]),
        (state(Status.PROCESSING, attempts=2), HALF, [("reset", "processing"), ("status", "processing")]),
        (state(Status.PROCESSING, run=2), HALF, [("reset", "processing"), ("status", "processing")]),
        (state(Status.QUEUED), HALF, [("reset", "queued"), ("status", "queued")]),
        (state(Status.FAILED), HALF, [("status", "failed")]),
        (state(Status.COMPLETED, text="Aare, üb"), HALF, [("delta", "b"), ("status", "completed")]),
        (state(Status.COMPLETED, text="Aare, ü"), HALF, [("status", "completed")]),
        (state(Status.COMPLETED, text="Aare, ü"), Told(5, 1, 1, 0), [("delta", "Aare, ü"), ("status", "completed")]),
        (state(Status.COMPLETED, text="Other"), HALF._replace(run=2), [*RESET, ("delta", "Other"), *COMPLETED]),
        (state(Status.COMPLETED, text="Aare, \u20ac"), HALF, [*RESET, ("delta", "Aare, \u20ac"), *COMPLETED]),
        (state(Status.COMPLETED, text=None), HALF._replace(text_bytes=0), [("status", "completed")]),
        (state(Status.COMPLETED, text="x", run=7), EVERYTHING, []),
        (None, NOTHING, [("status", "not_found")]),
        (None, HALF, [("status", "not_found")]),
        (None, EVERYTHING, []),
    ],
)  # fmt: skip
def test_a_reader_is_brought_to_how_the_task_stands(
    found: TaskState | None, told: Told, expected: list[tuple[str, Any]]
) -> None:
    events = tell_state(ID, found, told)
    assert said(events) == expected
    after = events[-1].told if events else told
    assert after.ended == (found is None or found.status.is_final)
    assert tell_state(ID, found, after) == []


@pytest.mark.parametrize(
    "found", [state(Status.COMPLETED, text="Aare, übel"), state(Status.COMPLETED, attempts=2, text="Po")]
)
def test_a_reader_that_left_between_two_events_is_told_the_second_alone(found: TaskState) -> None:
    events = tell_state(ID, found, HALF)
    for place, event in enumerate(events):
        assert tell_state(ID, found, event.told) == events[place + 1 :]


@pytest.mark.parametrize(
    ("made", "told", "expected"),
    [
        (move(Status.PROCESSING), NOTHING, [("status", "processing")]),
        (move(Status.PROCESSING), Told(8, 1, 1), [("status", "processing")]),
        (move(Status.PROCESSING), Told(9, 1, 1), []),
        (move(Status.PROCESSING), Told(10, 1, 1), []),
        (move(Status.PROCESSING), HALF, [("status", "processing")]),
        (move(Status.QUEUED), HALF, [("reset", "queued"), ("status", "queued")]),
        (move(Status.PROCESSING, attempts=2), HALF, [("reset", "processing"), ("status", "processing")]),
        (move(Status.PROCESSING), EVERYTHING, []),
        (move(None), HALF, []),
        (more(0, "Aare"), NOTHING, [("delta", "Aare")]),
        (more(8, "b"), HALF, [("delta", "b")]),
        (more(6, "üb"), HALF, [("delta", "b")]),
        (more(0, "Aare"), HALF, []),
        (more(8, "b", moved_at=5), HALF, []),
        (more(0, "Po", attempts=2), HALF, [("reset", "processing"), ("delta", "Po")]),
    ],
)
def test_a_move_is_told_once_and_resets_the_text_of_another_attempt(
    made: Move, told: Told, expected: list[tuple[str, Any]]
) -> None:
    events = tell_move(made, told)
    assert said(events) == expected
    after = events[-1].told if events else told
    assert tell_move(made, after) == []
    deltas = "".join(event.data.get("delta", "") for event in events)
    begun = 0 if expected[:1] and expected[0][0] == "reset" else told.text_bytes
    assert after.text_bytes == begun + len(deltas.encode())


def test_the_text_of_a_task_under_way_is_told_after_its_state() -> None:
    found = state(Status.PROCESSING)
    [event] = tell_text(found, "übel".encode(), Told(9, 1, 1, 6))
    assert (event.name, event.data["delta"], event.told) == ("delta", "übel", Told(9, 1, 1, 11))
    assert tell_text(found, b"", Told(9, 1, 1, 6)) == []
    assert [known_text(1, attempts, HALF) for attempts in (1, 2)] == [8, 0]


@given(st.text(min_size=1), st.integers(min_value=0, max_value=50), st.data())
def test_whatever_offset_a_client_names_it_is_told_whole_characters_alone(
    text: str, known: int, data: st.DataObject
) -> None:
    content = text.encode()
    known = min(known, len(content))
    start = data.draw(st.integers(min_value=0, max_value=known))
    told = Told(5, 1, 1, known)
    rest = content[known:].decode(errors="ignore")
    events = [
        tell_text(state(Status.PROCESSING), content[known:], told),
        tell_move(move(Status.PROCESSING, part=Part(start, content[start:])), told),
    ]
    for one in events:
        assert "".join(event.data["delta"] for event in one) == rest
        assert [event.told.text_bytes for event in one] == [len(content)] * bool(rest)
    for event in tell_state(ID, state(Status.COMPLETED, text=text), told):
        assert isinstance(event.data, dict)


parts = st.lists(st.tuples(st.sampled_from("xyz"), st.text(min_size=1, max_size=3), st.booleans()), max_size=20)


@given(parts)
def test_parts_that_go_on_from_each_other_are_told_as_one(told: list[tuple[str, str, bool]]) -> None:
    """Each part of any of three tasks may be the first of another attempt."""
    ends: dict[str, tuple[int, int]] = {}
    moves = []
    for number, (task_id, text, anew) in enumerate(told):
        attempts, start = ends.get(task_id, (1, 0))
        attempts, start = (attempts + 1, 0) if anew else (attempts, start)
        content = text.encode()
        moves.append(Move(task_id, number, 1, Status.PROCESSING, 25, attempts, Part(start, content)))
        ends[task_id] = (attempts, start + len(content))
    fewer = merged(moves)
    assert len(fewer) <= len(moves)
    for task_id in "xyz":
        mine, whole = ([move for move in some if move.task_id == task_id] for some in (fewer, moves))
        assert [move.attempts for move in mine] == sorted({move.attempts for move in whole})
        for move in mine:
            assert move.part is not None
            texts = [one.part.content for one in whole if one.part is not None and one.attempts == move.attempts]
            assert (move.part.start, move.part.content) == (0, b"".join(texts))
        assert mine[-1:] == [] or mine[-1].moved_at == whole[-1].moved_at

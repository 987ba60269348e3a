from typing import Any

import orjson
import pytest

from common.result import Result, encode_result
from common.store.moves import Move
from common.store.state import TaskState
from common.task import Lane, Status
from producer_api.tasks.cursor import EVERYTHING, NOTHING, Told
from producer_api.tasks.telling import Event, tell_move, tell_state

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


def move(status: Status | None, *, moved_at: int = 9, run: int = 1, attempts: int = 1) -> Move:
    return Move(ID, moved_at, run, status, 25, attempts)


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
    ],
)
def test_a_move_is_told_once_and_resets_the_text_of_another_attempt(
    made: Move, told: Told, expected: list[tuple[str, Any]]
) -> None:
    events = tell_move(made, told)
    assert said(events) == expected
    assert tell_move(made, events[-1].told if events else told) == []
    assert not events or events[-1].told.text_bytes == (8 if expected[0][0] == "status" and told is HALF else 0)

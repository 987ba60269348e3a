from typing import Any

import pytest

from common.store.attempts import PastAttempt
from common.store.state import TaskState
from common.task import Lane, Status
from common.topics import TopicNames
from producer_api.operator.task_schemas import OperatorTaskView
from producer_api.operator.timeline import operator_task_view

NAMES = TopicNames("p.")
TASK_ID = "01890000-0000-7000-8000-000000000000"


def a_state(status: Status, **fields: Any) -> TaskState:
    return TaskState(TASK_ID, status, 1, "t", Lane.BATCH, 0, 0, 100.0, 900.0)._replace(**fields)


def a_past(attempt: int, began: float, ended: float, *, run: int = 1) -> PastAttempt:
    return PastAttempt(run, attempt, began, ended, "timeout", 3, 7, "w")


def told(state: TaskState, *past: PastAttempt) -> list[tuple[float, str, int | None, float | None, str | None]]:
    view = OperatorTaskView.model_validate(operator_task_view(state, past, NAMES))
    return [(one.at, one.event, one.attempt, one.ended_at, one.outcome) for one in view.timeline]


ACCEPTED = (100.0, "accepted", None, None, None)
FIRST = (110.0, "attempt", 1, 120.0, "timeout")


@pytest.mark.parametrize(
    ("state", "past", "expected"),
    [
        (a_state(Status.QUEUED), (), []),
        (
            a_state(Status.PROCESSING, attempts=1, started_at=110.0, worker="w"),
            (),
            [(110.0, "attempt", 1, None, None)],
        ),
        (
            a_state(Status.QUEUED, attempts=1, started_at=110.0, retry_at=150.0),
            (a_past(1, 110.0, 120.0),),
            [FIRST, (150.0, "retry_due", None, None, None)],
        ),
        (
            a_state(Status.COMPLETED, attempts=2, started_at=150.0, finished_at=160.0),
            (a_past(1, 110.0, 120.0),),
            [FIRST, (150.0, "attempt", 2, 160.0, "completed"), (160.0, "completed", None, None, None)],
        ),
        (
            a_state(Status.CANCELLED, attempts=1, started_at=110.0, finished_at=130.0),
            (a_past(1, 110.0, 120.0),),
            [FIRST, (130.0, "cancelled", None, None, None)],
        ),
        (a_state(Status.EXPIRED, finished_at=900.0), (), [(900.0, "expired", None, None, None)]),
    ],
    ids=["queued", "processing", "waiting", "completed", "cancelled while waiting", "expired"],
)
def test_the_timeline_tells_every_attempt_once_in_the_order_of_time(
    state: TaskState, past: tuple[PastAttempt, ...], expected: list[object]
) -> None:
    assert told(state, *past) == [ACCEPTED, *expected]


def test_an_attempt_says_where_its_record_stood() -> None:
    state = a_state(Status.PROCESSING, run=2, attempts=1, started_at=200.0, partition=5, offset=9, worker="x")
    view = operator_task_view(state, [a_past(1, 110.0, 120.0)], NAMES)
    _, first, second = view["timeline"]
    assert (first["run"], first["topic"], first["partition"], first["offset"], first["worker"]) == (
        1, "p.tasks.batch", 3, 7, "w",
    )  # fmt: skip
    assert (second["run"], second["partition"], second["offset"], second["worker"]) == (2, 5, 9, "x")
    assert view["record"] == {"topic": "p.tasks.batch", "partition": 5, "offset": 9}


def test_a_task_whose_place_is_not_known_has_no_record() -> None:
    assert operator_task_view(a_state(Status.QUEUED), [], NAMES)["record"] is None

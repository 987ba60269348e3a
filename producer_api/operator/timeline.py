"""A task as operators see it: where its record stands, and what happened to it, in its order. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from common.store.attempts import PastAttempt
from common.store.state import TaskState
from common.task import Status
from common.topics import TopicNames
from producer_api.tasks.views import whole_task_view


def operator_task_view(state: TaskState, past: Sequence[PastAttempt], names: TopicNames) -> dict[str, Any]:
    """Everything that is known without asking Kafka; `past` are the attempts before the one that the state shows."""
    known = state.partition is not None and state.offset is not None
    return {
        **whole_task_view(state.task_id, state),
        "tenant": state.tenant,
        "run": state.run,
        "failures": state.failures,
        "crashes": state.crashes,
        "worker": state.worker,
        "record": {"topic": names.tasks(state.lane), "partition": state.partition, "offset": state.offset}
        if known
        else None,
        "timeline": sorted(_events(state, past, names), key=lambda event: event["at"]),
    }


def _events(state: TaskState, past: Sequence[PastAttempt], names: TopicNames) -> Iterator[dict[str, Any]]:
    yield {"at": state.created_at, "event": "accepted"}
    topic = names.tasks(state.lane)
    for one in past:
        yield _attempt(topic, one)
    if state.started_at is not None and not _is_past(state, past):
        latest = PastAttempt(
            state.run,
            state.attempts,
            state.started_at,
            state.finished_at or state.moved_at / 1000,
            state.status,
            state.partition,
            state.offset,
            state.worker,
        )
        yield _attempt(topic, latest) | ({} if state.status.is_final else {"ended_at": None, "outcome": None})
    if state.retry_at is not None and state.status is Status.QUEUED:
        yield {"at": state.retry_at, "event": "retry_due"}
    if state.finished_at is not None:
        yield {"at": state.finished_at, "event": state.status.value}


def _is_past(state: TaskState, past: Sequence[PastAttempt]) -> bool:
    """Whether the latest attempt, which the hash still shows, is over and among the past ones."""
    return bool(past) and (past[-1].run, past[-1].attempt, past[-1].started_at) == (
        state.run,
        state.attempts,
        state.started_at,
    )


def _attempt(topic: str, one: PastAttempt) -> dict[str, Any]:
    return {
        "at": one.ended_at if one.started_at is None else one.started_at,
        "event": "attempt",
        "run": one.run,
        "attempt": one.attempt,
        "worker": one.worker,
        "topic": topic,
        "partition": one.partition,
        "offset": one.offset,
        "ended_at": one.ended_at,
        "outcome": one.how,
    }

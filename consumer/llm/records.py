"""What a worker publishes when a run has ended: its result record, and before that its dead letter where there is one.

Which failures are dead-lettered follows from the result alone, so that a redelivery publishes what the first time did.
"""

from typing import Any

from common.record import CONTENT_TYPE
from common.result import EXPIRED, ApiError, Result, TaskRecordPlace, decode_result, encode_result
from common.store.claims import Claim
from common.store.restoring import Outcome as RecordedOutcome
from common.store.state import TaskState
from common.task import Status, Task
from common.topics import TopicNames
from consumer.engine.dead_letters import dead_letter
from consumer.engine.ports import Delivery, OutgoingRecord
from consumer.llm.decision import Conclude

# The same request would be paid for once more and come to the same.
_NO_DEAD_LETTER = frozenset({"result_too_large", "unreadable_answer"})
_UNKNOWN_FAILURE = ApiError(message="The task failed.", type="server_error", code="failed")


def concluded_result(claim: Claim, conclusion: Conclude, *, finished_at: float) -> bytes:
    """The value of the result record of the run that the claim's holder ends."""
    task = claim.task
    return encode_result(
        Result(
            task_id=task.task_id,
            tenant=task.tenant,
            status=conclusion.status,
            created_at=task.created_at,
            expires_at=task.expires_at,
            finished_at=finished_at,
            progress=conclusion.progress,
            run=task.run,
            lane=task.lane,
            endpoint=task.endpoint,
            attempt=claim.attempts,
            attempts=claim.attempts,
            token=claim.token,
            model=conclusion.model or claim.model,
            status_code=conclusion.status_code,
            body=conclusion.body,
            error=conclusion.error,
            usage=conclusion.usage,
            metadata=task.metadata,
            batch=task.batch,
            started_at=claim.started_at,
        )
    )


def recorded_outcome(claim: Claim, conclusion: Conclude, value: bytes, *, finished_at: float) -> RecordedOutcome:
    """What a lost store is told again of the run that the claim's holder ended; `value` is its result record's."""
    task = claim.task
    return RecordedOutcome(
        task_id=task.task_id,
        run=task.run,
        tenant=task.tenant,
        lane=task.lane,
        status=conclusion.status,
        created_at=task.created_at,
        expires_at=task.expires_at,
        finished_at=finished_at,
        progress=conclusion.progress,
        attempts=claim.attempts,
        value=value,
        started_at=claim.started_at,
        token=claim.token,
        model=conclusion.model or claim.model,
        place=TaskRecordPlace(claim.partition, claim.offset),
    )


def stored_result(task: Task, state: TaskState) -> bytes | None:
    """The value of the result record of a run that the store shows as ended.

    A run that was cancelled or expired without a worker has none there: it is made from the task and its state. None
    when the stored one is gone: it was published when it was written.
    """
    if state.result is not None:
        return state.result
    if state.status not in {Status.CANCELLED, Status.EXPIRED} or state.finished_at is None:
        return None
    return encode_result(
        Result(
            task_id=task.task_id,
            tenant=task.tenant,
            status=state.status,
            created_at=task.created_at,
            expires_at=task.expires_at,
            finished_at=state.finished_at,
            progress=state.progress,
            run=task.run,
            lane=task.lane,
            endpoint=task.endpoint,
            attempts=state.attempts,
            model=state.model,
            error=EXPIRED if state.status is Status.EXPIRED else None,
            metadata=task.metadata,
            batch=task.batch,
            started_at=state.started_at,
        )
    )


def outgoing_records(
    delivery: Delivery, task: Task, value: bytes, status: Status, names: TopicNames
) -> tuple[OutgoingRecord, ...]:
    """The dead letter, for a failure that is dead-lettered, and the result record of value `value`."""
    headers = (
        ("task-id", task.task_id.encode()),
        ("tenant", task.tenant.encode()),
        ("content-type", CONTENT_TYPE),
        TaskRecordPlace(delivery.partition, delivery.offset).as_header(),
    )
    result = OutgoingRecord(topic=names.results, key=task.task_id.encode(), value=value, headers=headers)
    if status is not Status.FAILED:
        return (result,)
    content = decode_result(value)
    failure = _failure(content)
    if failure.code in _NO_DEAD_LETTER:
        return (result,)
    letter = dead_letter(
        delivery,
        topic=names.dead_letters,
        reason=failure.message,
        error_code=failure.code or failure.type,
        failed_at=content["finished_at"],
    )
    return letter, result


def forgotten_record(task_id: str, names: TopicNames) -> OutgoingRecord:
    """What takes the result of a deleted task back: a null value under its key."""
    key = task_id.encode()
    return OutgoingRecord(topic=names.results, key=key, value=None, headers=(("task-id", key),))


def _failure(content: dict[str, Any]) -> ApiError:
    error = content.get("error")
    return ApiError(**error) if isinstance(error, dict) else _UNKNOWN_FAILURE

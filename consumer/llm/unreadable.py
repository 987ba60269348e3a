"""Records that are no task: what can still be said of the task that such a record was to be. Pure."""

from common.record import UnreadableRecord
from common.result import ApiError
from common.store.state import TaskState
from common.task import Lane, Task
from common.topics import TopicNames
from consumer.engine.ports import Delivery

ERROR_CODE = "unreadable_record"
_MAX_TENANT_CHARACTERS = 64


def unreadable_error(unreadable: UnreadableRecord) -> ApiError:
    """What the client is told; the reason names a field and quotes nothing."""
    message = f"The task's record cannot be read ({unreadable.reason}). Submit the task again."
    return ApiError(message=message, type="server_error", code=ERROR_CODE)


def tenant_of(unreadable: UnreadableRecord, delivery: Delivery) -> str | None:
    """Whose record it is: by its value, else by the header that we write beside it; None where neither says."""
    return unreadable.tenant or named_tenant(delivery)


def named_tenant(delivery: Delivery) -> str | None:
    """Whose record it is by the header that we write beside it, if that is there."""
    named = [content for name, content in delivery.headers if name == "tenant" and content]
    return named[0].decode(errors="replace") if named else None


def task_to_fail(
    unreadable: UnreadableRecord,
    delivery: Delivery,
    state: TaskState | None,
    names: TopicNames,
    *,
    deadline_seconds: float,
) -> Task | None:
    """The task that fails with its unreadable record, as far as it is known; None when no task does.

    A task that the store knows fails only if this very record is its own: a damaged record may name any id. One that
    the store does not know needs its tenant, or nobody could ever ask for it; its time counts from the record's.
    """
    if unreadable.task_id is None:
        return None
    if state is None:
        if not unreadable.tenant or len(unreadable.tenant) > _MAX_TENANT_CHARACTERS:
            return None
        created_at = delivery.timestamp_ms / 1000
        return Task(
            task_id=unreadable.task_id,
            tenant=unreadable.tenant,
            body={},
            created_at=created_at,
            expires_at=created_at + deadline_seconds,
            lane=Lane.BATCH if delivery.topic == names.batch else Lane.INTERACTIVE,
        )
    place = (names.tasks(state.lane), state.partition, state.offset)
    if place != (delivery.topic, delivery.partition, delivery.offset):
        return None
    return Task(
        task_id=unreadable.task_id,
        tenant=state.tenant,
        body={},
        created_at=state.created_at,
        expires_at=state.expires_at,
        run=state.run,
        lane=state.lane,
    )

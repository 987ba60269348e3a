from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from common.task import Lane, Status

_MARKS = frozenset({b"refused", b"deleted"})
_STATUSES: Mapping[bytes, Status] = MappingProxyType({status.value.encode(): status for status in Status})
_LANES: Mapping[bytes, Lane] = MappingProxyType({lane.value.encode(): lane for lane in Lane})


class TaskState(NamedTuple):
    """A task as the store shows it. Times are Unix seconds UTC.

    `attempts` counts claims that led to a call, `failures` those that ended by the model's error, `crashes` those that
    ended with their worker. `moved_at` is the instant of the latest move in whole milliseconds, each later than the one
    before. `model` is the one that the task names, or that its worker chose, or that says it has answered. `result` is
    the value of the final run's result record, None where there is none.
    """

    task_id: str
    status: Status
    run: int
    tenant: str
    lane: Lane
    progress: int
    attempts: int
    created_at: float
    expires_at: float
    failures: int = 0
    crashes: int = 0
    tokens: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    retry_at: float | None = None
    partition: int | None = None
    offset: int | None = None
    worker: str | None = None
    moved_at: int = 0
    model: str | None = None
    result: bytes | None = None


# In the order in which `state_from_values` takes them.
FIELDS = (
    "status", "run", "tenant", "lane", "progress", "attempts", "created_at", "expires_at", "failures", "crashes",
    "tokens", "started_at", "finished_at", "retry_at", "partition", "offset", "worker",
    "moved_at", "model",
)  # fmt: skip


def state_from_values(task_id: str, values: Sequence[bytes | None], result: bytes | None) -> TaskState | None:
    """The task of a hash's `FIELDS`; None when there is none, or only the mark of a refused record or a deleted task.

    Raises:
        ValueError: a field that every task has is missing.
    """
    # One for each id that is polled: by place, and without a function between.
    (
        status, run, tenant, lane, progress, attempts, created_at, expires_at, failures, crashes,
        tokens, started_at, finished_at, retry_at, partition, offset, worker,
        moved_at, model,
    ) = values  # fmt: skip
    if status is None or status in _MARKS:
        return None
    if run is None or tenant is None or lane is None or progress is None or attempts is None:
        raise ValueError("a task's hash is not whole")
    if created_at is None or expires_at is None:
        raise ValueError("a task's hash has no times")
    return TaskState(
        task_id,
        _STATUSES[status],
        int(run),
        tenant.decode(),
        _LANES[lane],
        int(progress),
        int(attempts),
        int(created_at) / 1000,
        int(expires_at) / 1000,
        0 if failures is None else int(failures),
        0 if crashes is None else int(crashes),
        None if tokens is None else int(tokens),
        None if started_at is None else int(started_at) / 1000,
        None if finished_at is None else int(finished_at) / 1000,
        None if retry_at is None else int(retry_at) / 1000,
        None if partition is None else int(partition),
        None if offset is None else int(offset),
        None if worker is None else worker.decode(),
        0 if moved_at is None else int(moved_at),
        # Empty while nobody has named one.
        model.decode() if model else None,
        result,
    )

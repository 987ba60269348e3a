from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from common.task import Lane, Status, to_seconds

_MARKS = frozenset({b"refused", b"deleted"})
_STATUSES: Mapping[bytes, Status] = MappingProxyType({status.value.encode(): status for status in Status})
_LANES: Mapping[bytes, Lane] = MappingProxyType({lane.value.encode(): lane for lane in Lane})


class TaskState(NamedTuple):
    """A task as the store shows it. Times are Unix seconds UTC.

    `attempts` counts claims that led to a call, `failures` those that ended by the model's error, `crashes` those that
    ended with their worker. `result` is the value of the final run's result record, None where there is none.
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
    result: bytes | None = None


def state_from_hash(task_id: str, fields: Mapping[bytes, bytes], result: bytes | None) -> TaskState | None:
    """The task of a hash; None when there is none, or only the mark of a refused record or a deleted task."""
    # One for each id that is polled: every look-up is made once, by name, without a function between.
    get = fields.get
    status = get(b"status")
    if status is None or status in _MARKS:
        return None
    tokens, partition, offset = get(b"tokens"), get(b"partition"), get(b"offset")
    started_at, finished_at, retry_at = get(b"started_at"), get(b"finished_at"), get(b"retry_at")
    worker = get(b"worker")
    return TaskState(
        task_id=task_id,
        status=_STATUSES[status],
        run=int(fields[b"run"]),
        tenant=fields[b"tenant"].decode(),
        lane=_LANES[fields[b"lane"]],
        progress=int(fields[b"progress"]),
        attempts=int(fields[b"attempts"]),
        created_at=to_seconds(int(fields[b"created_at"])),
        expires_at=to_seconds(int(fields[b"expires_at"])),
        failures=int(get(b"failures", 0)),
        crashes=int(get(b"crashes", 0)),
        tokens=None if tokens is None else int(tokens),
        started_at=None if started_at is None else to_seconds(int(started_at)),
        finished_at=None if finished_at is None else to_seconds(int(finished_at)),
        retry_at=None if retry_at is None else to_seconds(int(retry_at)),
        partition=None if partition is None else int(partition),
        offset=None if offset is None else int(offset),
        worker=None if worker is None else worker.decode(),
        result=result,
    )

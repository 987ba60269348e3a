from collections.abc import Mapping
from dataclasses import dataclass

from common.task import Lane, Status, to_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
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
    status = fields.get(b"status")
    if status is None or status in {b"refused", b"deleted"}:
        return None

    def number(name: bytes) -> int | None:
        value = fields.get(name)
        return None if value is None else int(value)

    def seconds(name: bytes) -> float | None:
        value = number(name)
        return None if value is None else to_seconds(value)

    worker = fields.get(b"worker")
    return TaskState(
        task_id=task_id,
        status=Status(status.decode()),
        run=int(fields[b"run"]),
        tenant=fields[b"tenant"].decode(),
        lane=Lane(fields[b"lane"].decode()),
        progress=int(fields[b"progress"]),
        attempts=int(fields[b"attempts"]),
        created_at=to_seconds(int(fields[b"created_at"])),
        expires_at=to_seconds(int(fields[b"expires_at"])),
        failures=number(b"failures") or 0,
        crashes=number(b"crashes") or 0,
        tokens=number(b"tokens"),
        started_at=seconds(b"started_at"),
        finished_at=seconds(b"finished_at"),
        retry_at=seconds(b"retry_at"),
        partition=number(b"partition"),
        offset=number(b"offset"),
        worker=None if worker is None else worker.decode(),
        result=result,
    )

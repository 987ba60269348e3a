"""What a rebuild takes from a result record, which anybody may have written who can reach the broker. Pure."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.record import Seconds, Tenant
from common.result import decode_result, task_record_place
from common.store.restoring import Outcome
from common.task import Lane, Status

_Count = Annotated[int, Field(ge=0, lt=2**31)]


class _ResultRecord(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    run: Annotated[int, Field(ge=1, lt=2**31)]
    tenant: Tenant
    lane: Literal["interactive", "batch"]
    status: Literal["completed", "failed", "cancelled", "expired"]
    created_at: Seconds
    expires_at: Seconds | None = None
    finished_at: Seconds
    started_at: Seconds | None
    attempts: _Count
    progress: Annotated[int, Field(ge=0, le=100)] | None = None
    token: Annotated[str, Field(max_length=64)] | None
    model: str | None = None


def read_outcome(
    task_id: str, value: bytes, headers: Iterable[tuple[str, bytes]] = (), *, deadline_seconds: float
) -> Outcome:
    """What a result record says of the run that it ended.

    A record that is older than its fields `expires_at` and `progress` leaves them to be guessed: the end of life is
    the window away at most.

    Raises:
        ValueError: the value is no result record of a version this process knows.
    """
    record = _ResultRecord.model_validate(decode_result(value))
    return Outcome(
        task_id=task_id,
        run=record.run,
        tenant=record.tenant,
        lane=Lane(record.lane),
        status=Status(record.status),
        created_at=record.created_at,
        expires_at=record.created_at + deadline_seconds if record.expires_at is None else record.expires_at,
        finished_at=record.finished_at,
        attempts=record.attempts,
        value=value,
        progress=record.progress,
        started_at=record.started_at,
        token=record.token,
        model=record.model,
        place=task_record_place(headers),
    )

"""What `/v1/operator/tasks` takes and answers. Times are Unix seconds."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from producer_api.operator.monitoring_schemas import RecordView
from producer_api.operator.schemas import LetterSource
from producer_api.tasks.schemas import WholeTaskView

MOST_RETRIED = 100

_Id = Annotated[str, Field(min_length=1, max_length=100)]


class TimelineEvent(BaseModel):
    """Something that happened to the task. Of an attempt there is more, as far as it is still known."""

    at: float
    event: Literal["accepted", "attempt", "retry_due", "completed", "failed", "cancelled", "expired"]
    run: int | None = None
    attempt: int | None = None
    worker: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    ended_at: float | None = None
    outcome: str | None = Field(
        None, description="Why it was given back, `worker_lost`, or the status of its run; null while it is under way."
    )


class OperatorTaskView(WholeTaskView):
    """A task of any tenant, with its timeline: the last twenty attempts of all its runs, oldest first."""

    tenant: str
    run: int
    failures: int = Field(description="Attempts of this run that ended by the model's error.")
    crashes: int = Field(description="Attempts of this run that ended with their worker.")
    worker: str | None = Field(description="The one that has it, or had it last.")
    record: LetterSource | None = Field(description="Where its record stands, as far as that is known.")
    timeline: list[TimelineEvent]


class TaskRecordView(RecordView):
    """A task's own record as it stands in Kafka: its value is somebody's prompt."""

    topic: str


class RetryTasks(BaseModel):
    """Tasks that ended without an answer and are to run again."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    task_ids: list[_Id] = Field(min_length=1, max_length=MOST_RETRIED, description="Task ids, or `resp_…` ids.")


class RetriedTask(BaseModel):
    """What became of a task; `run` is the one it is in now."""

    task_id: str
    run: int | None
    status: Literal[
        "started",
        "again",
        "moved",
        "completed",
        "deleted",
        "unfinished",
        "not_found",
        "unreadable",
        "missing",
        "too_large",
    ]


class RetriedTasks(BaseModel):
    """One entry per id, in the order asked."""

    tasks: list[RetriedTask]

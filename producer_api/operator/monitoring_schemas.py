"""What `/v1/operator/overview`, `/workers` and `/topics` answer. Times are Unix seconds."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_RECORDS = 100


class Times(BaseModel):
    """How long something took, in seconds: percentiles are estimated from counts by bounds."""

    count: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


class Sums(BaseModel):
    """What workers have counted."""

    tasks: dict[str, int] = Field(description="Runs that a worker ended, by status.")
    calls: dict[str, int] = Field(description="Calls of the model that ended, by how; `answered` is the good one.")
    retries: dict[str, int] = Field(description="Attempts given back to be made again, by cause.")
    tokens: dict[str, int] = Field(description="Tokens as the model counts them: input and output.")
    call_seconds: Times = Field(description="Calls of the model, whatever their end.")
    wait_seconds: Times = Field(description="From a record's time to its first attempt.")


class HeldPartitionView(BaseModel):
    """A partition that a worker holds; what is not known yet is null."""

    topic: str
    partition: int
    position: int | None = Field(description="The offset to be read next.")
    committed: int | None = Field(description="All before it is finished.")
    end: int | None = Field(description="One after the newest record, when the worker last read.")
    lag: int | None


class WorkerView(Sums):
    """A worker as it last said, its sums since its start. A newer worker than this API may say more."""

    model_config = ConfigDict(extra="allow")

    worker: str
    state: Literal["working", "hindered", "silent"]
    heartbeat_age_seconds: float
    version: str
    host: str
    started_at: float
    concurrency: int
    in_flight: int = Field(description="Records that hold a slot.")
    buffered: int = Field(description="Records read and ready for their first attempt.")
    waiting: int = Field(description="Records that wait for another attempt.")
    leases: int = Field(description="Tasks that it holds.")
    widest_window: int = Field(description="Offsets between the first unfinished and the last read, at most.")
    brake_on: bool
    hindrances: list[str] = Field(description="Why it takes no records.")
    partitions: list[HeldPartitionView]


class WorkerViews(BaseModel):
    """Workers that were heard of in the last minute, by name."""

    workers: list[WorkerView]


class WorkersTogether(BaseModel):
    """All workers; what is summed is of those that are not silent."""

    working: int
    hindered: int
    silent: int
    slots: int
    in_flight: int
    buffered: int
    waiting: int
    leases: int
    braked: int


class WindowView(Sums):
    """The minutes together."""

    minutes: int
    accepted: int = Field(description="Prompts that the APIs accepted.")


class MinuteView(Sums):
    """One minute, which begins `at`."""

    at: int
    accepted: int


class OverviewView(BaseModel):
    """Everything in one look."""

    workers: WorkersTogether
    backlog: dict[str, int] | None = Field(description="Unfinished records by lane; null while Kafka does not say.")
    window: WindowView
    minutes: list[MinuteView] = Field(description="Oldest first; the last is not over yet.")


class TopicPartitionView(BaseModel):
    """A partition: its records are from `begin` up to, and without, `end`."""

    partition: int
    begin: int
    end: int
    lag: dict[str, int] = Field(description="Records that a group has not finished, by group.")


class TopicGroupView(BaseModel):
    """A consumer group of the topic."""

    group: str
    lag: int
    members: int


class TopicView(BaseModel):
    """A topic; only its name and that it does not exist where no service has made it yet."""

    topic: str
    exists: bool
    replication: int | None = None
    in_sync: int | None = Field(None, description="Copies in sync of the partition that has fewest.")
    records: int | None = Field(None, description="Of a compacted topic, at most so many.")
    groups: list[TopicGroupView] = []
    partitions: list[TopicPartitionView] = []


class TopicViews(BaseModel):
    """Every topic of ours, at most two seconds old."""

    topics: list[TopicView]


class RecordView(BaseModel):
    """A record as it stands in Kafka."""

    partition: int
    offset: int
    timestamp: float
    key: str | None
    headers: dict[str, str]
    size_bytes: int
    value: Any = Field(None, description="Only where it was asked for: it may be somebody's prompt.")
    value_encoding: Literal["json", "text", "base64"] | None = None


class RecordViews(BaseModel):
    """The newest records, newest first."""

    records: list[RecordView]
    is_cut: bool = Field(description="There are more within the limit, and their values are too large together.")

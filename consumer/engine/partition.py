"""A partition that this worker has been assigned, and a record of it on its way through the engine."""

from dataclasses import dataclass, field

from consumer.engine.offsets import PartitionOffsets
from consumer.engine.ports import Delivery
from consumer.engine.tail import resumption


@dataclass(slots=True, eq=False)
class Partition:
    """One partition for as long as it stays this worker's without a break; its identity is the assignment's epoch.

    `offsets` is None until it is known where reading starts; until then the partition is not polled. The counts are
    the backlog's: records ready for their first attempt, and records that wait for another one.
    """

    topic: str
    number: int
    offsets: PartitionOffsets | None = None
    buffered: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    # See `suspects`: above 0 while a record of it may be what makes polls fail.
    suspicion: int = 0
    # Where delivery once jumped ahead: read again from there, and believed the second time.
    gap_at: int | None = None
    # False from the moment the partition is another worker's: what is still in flight finishes, and counts no more.
    mine: bool = True


@dataclass(slots=True, eq=False)
class Work:
    """A delivered record until its offset is done. Times are of the monotonic clock."""

    delivery: Delivery
    partition: Partition
    # When it came here, or when a move of it to the tail last failed.
    stays_since: float = 0.0
    # Unexpected exceptions of the handler so far.
    errors: int = 0
    # Those of giving it up after that.
    give_up_errors: int = 0
    # When its first attempt here began, by `time.perf_counter`; None before it.
    started_at: float | None = None
    # Why the Kafka client cannot read the record, where it cannot: key, value and headers are unknown then.
    unreadable: str | None = None
    # While it waits: until when, whether for another process, and what its role counts of it.
    due: float = 0.0
    held: bool = False
    attempts: int | None = None
    failures: int | None = None
    # Neither a copy at the tail, nor was it ever tried to move it there.
    fresh: bool = field(init=False)
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.size_bytes = self.delivery.size_bytes
        self.fresh = not resumption(self.delivery.headers).copied

    def done(self) -> None:
        """Its offset is done."""
        if self.partition.offsets is not None:
            self.partition.offsets.finish(self.delivery.offset)

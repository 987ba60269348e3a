"""What the engine hands to a role and what it takes back: one record in, one of three outcomes out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

Headers = Sequence[tuple[str, bytes]]

# What a record costs beside its own bytes: the objects that carry it.
_OVERHEAD_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One record as Kafka delivered it; `timestamp_ms` is Unix time in milliseconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0

    @property
    def size_bytes(self) -> int:
        """What the record takes in memory, roughly and never zero."""
        return _OVERHEAD_BYTES + record_bytes(self.key, self.value, self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRecord:
    """A record to publish before the offset of the delivery that caused it is done.

    Without a `partition` the key decides which it is.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None

    @property
    def size_bytes(self) -> int:
        """Key, value and headers, as a topic's size limit counts them but for a few bytes of framing."""
        return record_bytes(self.key, self.value, self.headers)


def record_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Bytes of a record's key, value and headers."""
    size = len(key or b"") + len(value or b"")
    for name, content in headers:
        size += len(name) + len(content or b"")
    return size


def always() -> bool:
    """For what depends on nothing."""
    return True


@dataclass(frozen=True, slots=True)
class Settled:
    """Finished: `records` are published in their order, each acknowledged before the next; then the offset is done.

    `publish_before` is an instant of the monotonic clock; `publish_if` is asked, at no cost, before each record is
    sent. What could not be published by then, or with its consent, is not published any more: the delivery comes to
    the handler again, which says anew what is to be published.
    """

    records: tuple[OutgoingRecord, ...] = ()
    publish_before: float = math.inf
    publish_if: Callable[[], bool] = always


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Not finished: the same record comes again after the delay; until then it holds no slot.

    It may come as a copy, at another offset, with `attempts` and `failures` (those so far, as the role counts them) in
    its headers: see `consumer.engine.tail`.
    """

    delay_seconds: float
    attempts: int | None = None
    failures: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Not for this process, such as a record of an unknown version: reported, and looked at again after the delay.

    It holds back the commits of its own partition and nothing else. `reason` is one of a few fixed words: it becomes
    a metric's label and quotes nothing of the record.
    """

    reason: str
    delay_seconds: float


Outcome = Settled | RetryAfter | Held


class CommitListener(Protocol):
    """Told of each commit that the broker has taken: every record of the partition before `offset` is done."""

    def __call__(self, topic: str, partition: int, offset: int) -> None:
        """Take note, at once and without raising."""


def ignore_commits(topic: str, partition: int, offset: int) -> None:
    """For a role that does not need to know."""


class Handler(Protocol):
    """A role's work on one record, called at most `concurrency` times at once.

    A delivery may come again (a restart, a partition that changed its owner): the handler makes that harmless.
    An exception is taken for the role's own bug: logged, tried again, at last given up.
    When a drain runs out of time the call is cancelled: clean up briefly and let `CancelledError` pass.
    """

    async def handle(self, delivery: Delivery) -> Outcome:
        """Work on the record and say how it ended."""

    async def give_up(self, delivery: Delivery, error_code: str) -> Outcome | None:
        """End what the record stands for: `handle` has raised too often, at last an error named `error_code`.

        The outcome's records hold the dead letter, before all that follows from it. None leaves it to the engine to
        dead-letter the record, and so does an exception that comes again and again.
        """


class Gate(Protocol):
    """A role's word on whether records may be started."""

    @property
    def hindrance(self) -> str | None:
        """Why none are started now; None while nothing hinders."""

    async def opened(self) -> None:
        """Return when one may be started; the next is asked for after it has `entered`."""

    def entered(self, delivery: Delivery) -> None:
        """This record is started now."""

    def left(self, delivery: Delivery) -> None:
        """This record, which had entered, has ended or was put back."""

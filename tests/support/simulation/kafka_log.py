"""What the simulated broker has written: topics, their partitions, records."""

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRecord:
    """A record as a consumer is given it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int


@dataclass
class KafkaLog:
    """Topics by name with their partitions; `now` is in Unix seconds. `on_append` hears of each record."""

    partitions: Mapping[str, int]
    now: Callable[[], float]
    on_append: Callable[[WrittenRecord], None]
    _records: dict[TopicPartition, list[WrittenRecord]] = field(default_factory=dict)
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for topic, count in self.partitions.items():
            for number in range(count):
                self._records[TopicPartition(topic, number)] = []

    def append(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers, partition: int | None
    ) -> WrittenRecord:
        number = zlib.crc32(key or b"") % self.partitions[topic] if partition is None else partition
        records = self._records[TopicPartition(topic, number)]
        record = WrittenRecord(
            topic=topic,
            partition=number,
            offset=len(records),
            key=key,
            value=value,
            headers=headers,
            timestamp=round(self.now() * 1000),
        )
        records.append(record)
        self.on_append(record)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        return record

    def topic_partitions(self, topic: str) -> Sequence[TopicPartition]:
        return [key for key in self._records if key.topic == topic]

    def records(self, topic_partition: TopicPartition) -> Sequence[WrittenRecord]:
        return self._records[topic_partition]

    def all_records(self, topic: str) -> Sequence[WrittenRecord]:
        return [record for key in self.topic_partitions(topic) for record in self._records[key]]

    def end(self, topic_partition: TopicPartition) -> int:
        return len(self._records[topic_partition])

    def grown(self) -> "asyncio.Future[None]":
        """What is done as soon as there is another record."""
        future = asyncio.get_running_loop().create_future()
        self._waiting = [waiting for waiting in self._waiting if not waiting.done()]
        self._waiting.append(future)
        return future

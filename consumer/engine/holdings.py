"""What this worker holds of Kafka, as somebody sees it who looks on."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from consumer.engine.partition import Partition


class Holding(NamedTuple):
    """A partition: `position` is delivered next, up to `committed` all is done, `end` is one after the newest record.

    What is not known is None: the first two until reading has begun, the last until Kafka was first asked for records.
    """

    topic: str
    partition: int
    position: int | None
    committed: int | None
    end: int | None


def holdings_of(consumer: AIOKafkaConsumer, partitions: Mapping[TopicPartition, Partition]) -> list[Holding]:
    """The partitions, by topic and number."""
    assigned = consumer.assignment()
    return [
        Holding(
            key.topic,
            key.partition,
            None if partition.offsets is None else partition.offsets.next_offset,
            None if partition.offsets is None else partition.offsets.committed,
            # While the group gives its partitions out anew they are nobody's.
            consumer.highwater(key) if key in assigned else None,
        )
        for key, partition in sorted(partitions.items())
    ]


def lag_by_topic(holdings: Iterable[Holding]) -> dict[str, int]:
    """Records not committed yet, those of partitions left out of which something is not known."""
    lag: dict[str, int] = {}
    for holding in holdings:
        if holding.end is not None and holding.committed is not None:
            lag[holding.topic] = lag.get(holding.topic, 0) + max(0, holding.end - holding.committed)
    return lag

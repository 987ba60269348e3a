"""Reading a partition by offsets, whatever stands in it: anybody may have written there who can reach the broker."""

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError


class Read(NamedTuple):
    """Records in order, `position` where it goes on, and whether a record that cannot be read was passed over."""

    records: Sequence[ConsumerRecord]
    position: int
    skipped: bool = False


def is_of_kafka(error: Exception) -> bool:
    """Whether a poll failed by Kafka's own trouble, which passes by itself, and not by a record that cannot be read."""
    return isinstance(error, KafkaError) and not isinstance(error, CorruptRecordException)


async def read_on(
    reader: AIOKafkaConsumer, key: TopicPartition, position: int, *, timeout_ms: int, max_records: int
) -> Read:
    """Read on in an assigned partition, which stands at `position`; no records where none come in time.

    A record that the client cannot decode makes its poll fail, and each one after it: the client says neither which
    record it is nor gets past it. So it is found by reading one record at a time.

    Raises:
        KafkaError: a broker refuses, or is out of reach.
    """
    for most in (max_records, 1):
        try:
            found = await reader.getmany(key, timeout_ms=timeout_ms, max_records=most)
        except Exception as error:
            if is_of_kafka(error):
                raise
            # What the failed poll had taken is lost to the client.
            reader.seek(key, position)
        else:
            return Read(found.get(key, ()), await reader.position(key))
    reader.seek(key, position + 1)
    return Read((), position + 1, skipped=True)

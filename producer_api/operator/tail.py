"""The newest records of a topic, whatever stands in it, within bounds of count and of bytes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from common.partition_log import read_on

_POLL_MS = 500
_RECORDS_PER_POLL = 20


@dataclass(frozen=True, slots=True)
class Tail:
    """Records, newest first. `is_cut` says that there are more within the count, and too many bytes."""

    records: Sequence[ConsumerRecord]
    is_cut: bool


async def read_tail(
    reader: AIOKafkaConsumer, topic: str, partitions: Sequence[int], *, limit: int, max_bytes: int
) -> Tail:
    """The last records of these partitions, `limit` at most in all, and read as many of each as of any other.

    At most so many bytes of values are kept, and of one poll besides. Of a compacted topic there may be fewer.

    Raises:
        KafkaError: a broker refuses, or is out of reach.
    """
    keys = [TopicPartition(topic, number) for number in partitions]
    begins: Mapping[TopicPartition, int] = await reader.beginning_offsets(keys)
    ends: Mapping[TopicPartition, int] = await reader.end_offsets(keys)
    each = math.ceil(limit / max(1, len(keys)))
    records: list[ConsumerRecord] = []
    size, is_cut = 0, False
    for key in keys:
        position = max(begins[key], ends[key] - each)
        if position >= ends[key]:
            continue
        reader.assign([key])
        reader.seek(key, position)
        while position < ends[key]:
            if size >= max_bytes:
                is_cut = True
                break
            read = await read_on(reader, key, position, timeout_ms=_POLL_MS, max_records=_RECORDS_PER_POLL)
            position = read.position
            for record in read.records:
                if record.offset < ends[key]:
                    records.append(record)
                    size += len(record.value or b"")
    records.sort(key=lambda record: (record.timestamp, record.partition, record.offset), reverse=True)
    return Tail(records[:limit], is_cut)

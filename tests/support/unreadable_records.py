"""Records as no client of ours would write them: their headers' names are no UTF-8, and aiokafka cannot decode them."""

from collections.abc import Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from tests.support.waiting import until

_TIMESTAMP_MS = 1


class _NoText(str):
    """A header's name whose bytes are no text."""

    __slots__ = ()

    def encode(self, *_arguments: str) -> bytes:
        return b"\xff"


async def write_unreadable(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    values: Sequence[bytes | None],
    *,
    key: bytes = b"key",
    timestamp_ms: int = _TIMESTAMP_MS,
) -> None:
    """Append one batch; the record of each value that is None cannot be decoded."""
    builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, value in enumerate(values):
        headers = [(_NoText("x"), b"v")] if value is None else []
        builder.append(number, timestamp=timestamp_ms, key=key, value=value or b"poison", headers=headers)
    await producer.partitions_for(topic)
    batch = bytes(builder.build())

    async def written() -> bool:
        node = producer.client.cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(None, -1, 5000, [(topic, [(partition, batch)])])
        error = for_code((await producer.client.send(node, request)).topics[0][1][0][1])
        if error is NoError:
            return True
        # A topic that was just made has a leader that does not know of it yet.
        assert error.retriable, error
        await producer.client.force_metadata_update()
        return False

    await until(written, what="the records that nobody can read")

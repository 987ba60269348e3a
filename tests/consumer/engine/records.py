from consumer.engine.partition import Partition, Work
from consumer.engine.ports import Delivery


def delivery(
    offset: int = 0,
    *,
    topic: str = "interactive",
    partition: int = 0,
    key: bytes | None = b"k",
    value: bytes | None = b"v",
    headers: tuple[tuple[str, bytes], ...] = (),
) -> Delivery:
    """A record as it might have been delivered."""
    return Delivery(topic=topic, partition=partition, offset=offset, key=key, value=value, headers=headers)


def work(partition: Partition, offset: int, value: bytes = b"v") -> Work:
    """A record of `partition` on its way."""
    return Work(delivery(offset, topic=partition.topic, partition=partition.number, value=value), partition)

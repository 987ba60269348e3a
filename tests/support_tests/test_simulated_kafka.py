"""What the simulated clients stand for, held against the real ones: every test runs on both."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import ConsumerStoppedError, IllegalStateError

from common.connections import create_admin, create_group_consumer, create_producer
from common.settings import KafkaSettings, TaskSettings
from common.topics import MAX_TASK_RECORD_BYTES, TopicNames, ensure_topics, topic_specs
from consumer.engine.aiokafka_state import ended_part, generation
from tests.support.simulation.kafka_clients import SimulatedConsumer, SimulatedProducer
from tests.support.simulation.kafka_group import KafkaGroup
from tests.support.simulation.kafka_log import KafkaLog
from tests.support.simulation.link import Link
from tests.support.waiting import until

_PARTITIONS = 6
_SESSION_SECONDS = 6


class Noting(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Notes what it is told; a revocation it lets pass only while `gate` is open."""

    def __init__(self) -> None:
        self.told: list[tuple[str, set[TopicPartition]]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.told.append(("revoked", set(revoked)))
        await self.gate.wait()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.told.append(("assigned", set(assigned)))


@dataclass
class Kafka:
    """Real or simulated: a topic, a producer, and members of one group."""

    topic: str
    producer: Any
    create_consumer: Callable[[], Any]
    stack: AsyncExitStack
    all: set[TopicPartition] = field(init=False)

    def __post_init__(self) -> None:
        self.all = {TopicPartition(self.topic, number) for number in range(_PARTITIONS)}

    async def member(self) -> tuple[Any, Noting]:
        """One more member, which has its share."""
        consumer, listener = self.create_consumer(), Noting()
        await consumer.start()
        self.stack.push_async_callback(consumer.stop)
        consumer.subscribe(topics=[self.topic], listener=listener)
        await until(lambda: listener.told and listener.told[-1][0] == "assigned", what="the member's assignment")
        return consumer, listener

    def key(self, number: int) -> TopicPartition:
        return TopicPartition(self.topic, number)


async def real(settings: KafkaSettings, stack: AsyncExitStack) -> Kafka:
    admin = create_admin(settings, "test")
    await admin.start()
    stack.push_async_callback(admin.close)
    await ensure_topics(admin, topic_specs(settings, TaskSettings()))
    producer = create_producer(settings, "test", max_record_bytes=MAX_TASK_RECORD_BYTES)
    await producer.start()
    stack.push_async_callback(producer.stop)
    names = TopicNames(settings.topic_prefix)

    def consumer() -> Any:
        return create_group_consumer(settings, "test", names.llm_group, session_timeout_seconds=_SESSION_SECONDS)

    return Kafka(names.interactive, producer, consumer, stack)


def simulated(stack: AsyncExitStack) -> Kafka:
    log = KafkaLog({"tasks": _PARTITIONS}, time.time, lambda _record: None)
    group = KafkaGroup(log.topic_partitions("tasks"), time.monotonic, lambda _offsets: None)

    def consumer() -> Any:
        return SimulatedConsumer(log, group, Link(), session_seconds=_SESSION_SECONDS)

    return Kafka("tasks", SimulatedProducer(log, Link()), consumer, stack)


@pytest.fixture(params=["real", "simulated"])
async def kafka(request: pytest.FixtureRequest, kafka_settings: KafkaSettings) -> AsyncIterator[Kafka]:
    async with AsyncExitStack() as stack:
        if request.param == "real":
            yield await real(kafka_settings, stack)
        else:
            yield simulated(stack)


async def test_a_record_is_read_as_it_was_written(kafka: Kafka) -> None:
    consumer, _ = await kafka.member()
    written = await kafka.producer.send_and_wait(
        kafka.topic, key=b"key", value=b"value", headers=[("name", b"content")], partition=3
    )
    assert (written.partition, written.offset) == (3, 0)
    polled: dict[TopicPartition, list[Any]] = {}
    while not polled:
        polled = await consumer.getmany(*kafka.all, timeout_ms=500, max_records=10)
    [[record]] = polled.values()
    assert (record.topic, record.partition, record.offset) == (kafka.topic, 3, 0)
    assert (record.key, record.value, list(record.headers)) == (b"key", b"value", [("name", b"content")])
    assert consumer.highwater(kafka.key(3)) == 1
    assert ended_part(consumer, kafka.producer) is None


async def test_a_poll_brings_what_was_asked_for_and_no_more(kafka: Kafka) -> None:
    for number in (0, 0, 0, 1):
        await kafka.producer.send_and_wait(kafka.topic, value=b"", partition=number)
    consumer, _ = await kafka.member()

    async def offsets(*numbers: int, most: int) -> list[tuple[int, int]]:
        asked = map(kafka.key, numbers)
        polled = await consumer.getmany(*asked, timeout_ms=500, max_records=most)
        return [(record.partition, record.offset) for records in polled.values() for record in records]

    assert await until(lambda: offsets(0, most=2)) == [(0, 0), (0, 1)]
    assert await until(lambda: offsets(0, most=2)) == [(0, 2)]
    assert await offsets(0, 5, most=2) == []
    consumer.seek(kafka.key(0), 1)
    assert await until(lambda: offsets(0, most=1)) == [(0, 1)]
    assert await until(lambda: offsets(1, most=1)) == [(1, 0)]


async def test_every_rebalance_takes_all_away_and_starts_again_at_what_is_committed(kafka: Kafka) -> None:
    first, told = await kafka.member()
    assert told.told[-2:] == [("revoked", set()), ("assigned", kafka.all)]
    before = generation(first)
    for number in range(_PARTITIONS):
        for _ in range(3):
            await kafka.producer.send_and_wait(kafka.topic, value=b"", partition=number)
        first.seek(kafka.key(number), 3)
    await first.commit({kafka.key(number): 2 for number in range(_PARTITIONS)})
    second, others = await kafka.member()
    await until(lambda: told.told[-1] != ("assigned", kafka.all) and told.told[-1][0] == "assigned")
    assert told.told[-2] == ("revoked", kafka.all)
    assert generation(first) == generation(second) == before + 1
    kept, lost = told.told[-1][1], others.told[-1][1]
    assert len(kept) == len(lost) == _PARTITIONS // 2
    assert kept | lost == kafka.all
    assert first.assignment() == kept
    for topic_partition in kept:
        assert await first.committed(topic_partition) == 2
        assert await first.position(topic_partition) == 2
    taken = min(lost)
    with pytest.raises(IllegalStateError):
        await first.commit({taken: 3})
    with pytest.raises(IllegalStateError):
        first.seek(taken, 0)


async def test_a_member_may_commit_while_the_group_waits_for_it(kafka: Kafka) -> None:
    first, told = await kafka.member()
    await kafka.producer.send_and_wait(kafka.topic, value=b"", partition=0)
    told.gate.clear()
    joining = asyncio.create_task(kafka.member())
    await until(lambda: told.told[-1] == ("revoked", kafka.all))
    polling = asyncio.create_task(first.getmany(*kafka.all, timeout_ms=1, max_records=1))
    await first.commit({kafka.key(0): 1})
    assert not polling.done()
    told.gate.set()
    second, _ = await joining
    assert await second.committed(kafka.key(0)) == 1
    await polling


async def test_a_member_that_stops_leaves_at_once_and_is_read_no_more(kafka: Kafka) -> None:
    first, _ = await kafka.member()
    second, told = await kafka.member()
    started = asyncio.get_running_loop().time()
    await first.stop()
    await until(lambda: told.told[-1] == ("assigned", kafka.all))
    assert asyncio.get_running_loop().time() - started < _SESSION_SECONDS
    assert second.assignment() == kafka.all
    with pytest.raises(ConsumerStoppedError):
        await first.getmany(kafka.key(0), timeout_ms=1, max_records=1)

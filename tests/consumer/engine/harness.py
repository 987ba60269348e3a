"""Engines on real Kafka, and a handler that says what it sees and does what it is told."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from common.connections import create_admin, create_group_consumer, create_producer, create_reader
from common.settings import KafkaSettings, TaskSettings
from common.topics import MAX_DEAD_LETTER_BYTES, TopicNames, ensure_topics, topic_specs
from consumer.engine.engine import Engine
from consumer.engine.ports import CommitListener, Delivery, Gate, Outcome, Settled, ignore_commits
from consumer.metrics import EngineMetrics
from consumer.settings import WorkerSettings
from tests.support.unreadable_records import write_unreadable
from tests.support.waiting import until

Position = tuple[int, int]

# Of each topic, by the test settings.
_PARTITIONS = 6


def settle(_delivery: Delivery) -> Outcome:
    """The plainest outcome."""
    return Settled()


def leave_to_the_engine(_delivery: Delivery) -> Outcome | None:
    """The plainest way to give a record up."""
    return None


class OpenGate:
    """The gate of a role that holds nothing back."""

    hindrance = None

    async def opened(self) -> None:
        """Return at once."""

    def entered(self, delivery: Delivery) -> None:
        """Nothing follows from it."""

    def left(self, delivery: Delivery) -> None:
        """Nothing follows from it."""


class RecordingHandler:
    """Notes every delivery, by partition and offset, and holds it until it is let go, or all are.

    `decide` says the outcome; what it raises, the handler raises.
    """

    def __init__(self, decide: Callable[[Delivery], Outcome] = settle, *, hold: bool = True) -> None:
        self.decide = decide
        self.started: list[Position] = []
        self.topics: list[str] = []
        self.running: Counter[Position] = Counter()
        self.most_at_once = 0
        self.cancelled: list[Position] = []
        self.given_up: list[tuple[int, int, str]] = []
        self.decide_to_give_up: Callable[[Delivery], Outcome | None] = leave_to_the_engine
        self._holding = hold
        self._let_go: set[Position] = set()
        self._changed = asyncio.Condition()

    async def handle(self, delivery: Delivery) -> Outcome:
        position = (delivery.partition, delivery.offset)
        self.started.append(position)
        self.topics.append(delivery.topic)
        self.running[position] += 1
        self.most_at_once = max(self.most_at_once, self.running.total())
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._holding or position in self._let_go)
            return self.decide(delivery)
        except asyncio.CancelledError:
            self.cancelled.append(position)
            raise
        finally:
            self.running[position] -= 1

    async def give_up(self, delivery: Delivery, error_code: str) -> Outcome | None:
        self.given_up.append((delivery.partition, delivery.offset, error_code))
        return self.decide_to_give_up(delivery)

    async def let_go(self, *positions: Position) -> None:
        async with self._changed:
            self._let_go.update(positions)
            self._changed.notify_all()

    async def let_all_go(self) -> None:
        async with self._changed:
            self._holding = False
            self._changed.notify_all()

    @property
    def in_hand(self) -> set[Position]:
        return set(+self.running)

    async def until_in_hand(self, *positions: Position) -> None:
        await until(lambda: self.in_hand == set(positions), what=f"{positions} and nothing else in the handler")

    async def until_running(self, count: int) -> None:
        await until(lambda: self.running.total() == count, what=f"{count} records in the handler")


@dataclass
class RunningEngine:
    """An engine, what it is made of, and its run."""

    engine: Engine
    consumer: AIOKafkaConsumer
    registry: CollectorRegistry
    run: asyncio.Task[None] = field(init=False)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"promptmill_engine_{name}", labels) or 0.0

    @property
    def partitions(self) -> set[int]:
        """Those that it is assigned and polls."""
        return {partition.number for partition in self.engine._partitions.values() if partition.offsets is not None}

    async def leave_unasked(self) -> None:
        """Do as a member does that the group has given up: it comes back as a new one."""
        await self.consumer._coordinator._maybe_leave_group()

    async def until_assigned(self, partitions: int) -> None:
        def assigned() -> bool:
            return self.engine._assignment.settled and len(self.partitions) == partitions

        await until(assigned, what=f"{partitions} partitions assigned")


class _SlowToGiveUp(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, gate: asyncio.Event, entered: asyncio.Event) -> None:
        self._gate = gate
        self._entered = entered

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        if revoked:
            self._entered.set()
            await self._gate.wait()

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        pass


class Cluster:
    """One test's topics on a real Kafka, and everything the test starts on them."""

    def __init__(self, settings: KafkaSettings, admin: AIOKafkaAdminClient, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.names = TopicNames(settings.topic_prefix)
        self.admin = admin
        self.producer = create_producer(settings, "test", max_record_bytes=MAX_DEAD_LETTER_BYTES)
        self._stack = stack

    async def start_engine(
        self,
        handler: RecordingHandler,
        lanes: dict[str, int] | None = None,
        producer: AIOKafkaProducer | None = None,
        gate: Gate | None = None,
        on_committed: CommitListener = ignore_commits,
        **settings: Any,
    ) -> RunningEngine:
        """Run a worker's engine on the interactive lane, or on the lanes given by topic and weight."""
        worker = WorkerSettings.model_validate(
            {"session_timeout_seconds": 6, "commit_interval_seconds": 0.1} | settings
        )
        registry = CollectorRegistry()
        consumer = create_group_consumer(
            self.settings, "test", self.names.llm_group, session_timeout_seconds=worker.session_timeout_seconds
        )
        engine = Engine(
            consumer=consumer,
            producer=producer or await self.start_producer(),
            handler=handler,
            gate=gate or OpenGate(),
            settings=worker,
            lanes=lanes or {self.names.interactive: 1},
            dead_letter_topic=self.names.dead_letters,
            metrics=EngineMetrics(registry),
            rng=random.Random(7),
            on_committed=on_committed,
        )
        started = RunningEngine(engine, consumer, registry)
        started.run = asyncio.create_task(engine.run())
        self._stack.push_async_callback(self._end, started, handler)
        return started

    async def start_producer(self, max_record_bytes: int = MAX_DEAD_LETTER_BYTES) -> AIOKafkaProducer:
        producer = create_producer(self.settings, "test", max_record_bytes=max_record_bytes)
        await producer.start()
        self._stack.push_async_callback(producer.stop)
        return producer

    async def start_transactional_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap_servers, transactional_id=f"{self.settings.topic_prefix}writer"
        )
        await producer.start()
        self._stack.push_async_callback(producer.stop)
        return producer

    async def start_slow_member(self, gate: asyncio.Event, entered: asyncio.Event) -> AIOKafkaConsumer:
        """A member of the workers' group that gives up its partitions only while `gate` is open."""
        consumer = create_group_consumer(self.settings, "slow", self.names.llm_group, session_timeout_seconds=6)
        await consumer.start()
        self._stack.push_async_callback(consumer.stop)
        self._stack.callback(gate.set)
        consumer.subscribe(topics=[self.names.interactive], listener=_SlowToGiveUp(gate, entered))
        await until(lambda: len(consumer.assignment()) == _PARTITIONS, what="the slow member's assignment")
        return consumer

    async def create_topic(self, name: str) -> None:
        await self.admin.create_topics(
            [NewTopic(name, num_partitions=1, replication_factor=1, topic_configs={"max.message.bytes": "8388608"})]
        )

    @staticmethod
    async def _end(started: RunningEngine, handler: RecordingHandler) -> None:
        await handler.let_all_go()
        await started.engine.drain(30)
        await asyncio.gather(started.run, return_exceptions=True)

    async def produce(self, partition: int, count: int, topic: str | None = None, value: bytes = b"{}") -> None:
        sent = [
            await self.producer.send(
                topic or self.names.interactive, value=value, key=b"key", partition=partition, headers=[("a", b"b")]
            )
            for _ in range(count)
        ]
        await asyncio.gather(*sent)

    async def produce_unreadable(self, partition: int, values: Sequence[bytes | None]) -> None:
        """One batch as no client of ours would write it: where a value is None, a header's name is no UTF-8."""
        await write_unreadable(self.producer, self.names.interactive, partition, values)

    async def committed(self, partition: int) -> int | None:
        """The group's committed offset, None where there is none."""
        topic_partition = TopicPartition(self.names.interactive, partition)
        offsets = await self.admin.list_consumer_group_offsets(self.names.llm_group, partitions=[topic_partition])
        offset = offsets[topic_partition].offset
        return None if offset < 0 else offset

    async def until_committed(self, partition: int, offset: int) -> None:
        async def reached() -> bool:
            return await self.committed(partition) == offset

        await until(
            reached,
            what=f"offset {offset} committed in partition {partition}",
            # A coordinator that has just come back leaves out what it has not loaded yet.
            ignoring=(KafkaError, KeyError),
        )

    async def read(self, topic: str, count: int) -> Sequence[Any]:
        """The first `count` records of a topic, by partition and offset."""
        reader = create_reader(self.settings, "test")
        reader.subscribe([topic])
        await reader.start()
        records: list[Any] = []
        try:

            async def enough() -> bool:
                for batch in (await reader.getmany(timeout_ms=200)).values():
                    records.extend(batch)
                return len(records) >= count

            await until(enough, what=f"{count} records in {topic}")
        finally:
            await reader.stop()
        return sorted(records, key=lambda record: (record.partition, record.offset))


@asynccontextmanager
async def cluster_on(settings: KafkaSettings) -> AsyncIterator[Cluster]:
    """The contract's topics under the settings' prefix; everything started on them is stopped at the end."""
    admin = create_admin(settings, "test")
    await admin.start()
    try:
        await ensure_topics(admin, topic_specs(settings, TaskSettings()))
        async with AsyncExitStack() as stack:
            cluster = Cluster(settings, admin, stack)
            await cluster.producer.start()
            stack.push_async_callback(cluster.producer.stop)
            yield cluster
    finally:
        await admin.close()

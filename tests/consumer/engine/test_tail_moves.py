import asyncio
import time
from dataclasses import dataclass, field

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from prometheus_client import CollectorRegistry

from consumer.engine.backlog import Backlog
from consumer.engine.fetch_plan import FetchLimits
from consumer.engine.offsets import PartitionOffsets
from consumer.engine.partition import Partition, Work
from consumer.engine.ports import Delivery, Held, Outcome, RetryAfter, Settled
from consumer.engine.retry_clock import RetryClock
from consumer.engine.tail import TailPolicy, resumption
from consumer.engine.tail_moves import TailMoves
from consumer.metrics import EngineMetrics
from tests.consumer.engine.harness import Cluster, RecordingHandler
from tests.support.waiting import until

NOON = 1_800_000_000.0


async def test_a_long_wait_is_spent_at_the_tail_and_holds_back_no_commit(cluster: Cluster) -> None:
    deliveries: list[Delivery] = []

    def wait_at_first(delivery: Delivery) -> Outcome:
        deliveries.append(delivery)
        said = resumption(delivery.headers)
        if delivery.offset == 0:
            return RetryAfter(3.0, attempts=2, failures=1)
        remaining = 0.0 if said.not_before is None else said.not_before - time.time()
        return RetryAfter(remaining) if remaining > 0 else Settled()

    handler = RecordingHandler(wait_at_first)
    await cluster.produce(0, 3, value=b'{"original": 1}')
    worker = await cluster.start_engine(handler, tail_after_seconds=3)
    before = time.time()
    await handler.let_go((0, 0), (0, 1), (0, 2))
    # The copy is at offset 3, and held by the handler.
    await cluster.until_committed(0, 3)
    await until(lambda: handler.in_hand == {(0, 3)})
    await handler.let_all_go()
    await cluster.until_committed(0, 4)

    original, *_, copy = await cluster.read(cluster.names.interactive, 4)
    assert (copy.partition, copy.key, copy.value) == (0, original.key, original.value)
    headers = dict(copy.headers)
    assert before + 2.9 < float(headers.pop("not-before")) < time.time()
    assert headers == {"a": b"b", "attempts": b"2", "failures": b"1"}
    assert time.time() >= before + 3.0
    assert deliveries[-1].offset == 3
    assert worker.count("records_moved_total", topic=cluster.names.interactive) == 1


async def test_a_wait_shorter_than_the_setting_is_spent_in_place(cluster: Cluster) -> None:
    def once(delivery: Delivery) -> Outcome:
        return RetryAfter(2.9) if handler.started.count((0, delivery.offset)) == 1 else Settled()

    handler = RecordingHandler(once, hold=False)
    await cluster.produce(0, 1)
    worker = await cluster.start_engine(handler, tail_after_seconds=3)
    await cluster.until_committed(0, 1)
    assert worker.count("records_moved_total", topic=cluster.names.interactive) == 0
    assert len(handler.started) == 2


async def test_a_head_that_never_ends_bounds_its_partition_for_a_bounded_time(cluster: Cluster) -> None:
    """Each partition is read ten offsets past its first unfinished one; the head is for another process."""

    def hold_the_head(delivery: Delivery) -> Outcome:
        ours = delivery.offset != 0 and not resumption(delivery.headers).copied
        return Settled() if ours else Held("unknown_version", 3600)

    handler = RecordingHandler(hold_the_head, hold=False)
    await cluster.produce(0, 40)
    await cluster.start_engine(handler, concurrency=16, tail_after_seconds=3, max_uncommitted_offsets=10)
    await cluster.until_committed(0, 40)
    assert {(0, offset) for offset in range(41)} <= set(handler.started)


async def test_a_record_that_cannot_be_copied_waits_where_it_is(cluster: Cluster) -> None:
    small = await cluster.start_producer(max_record_bytes=1)

    def once(delivery: Delivery) -> Outcome:
        return RetryAfter(3.0) if handler.started.count((0, delivery.offset)) == 1 else Settled()

    handler = RecordingHandler(once, hold=False)
    await cluster.produce(0, 1, value=b"x" * 200_000)
    worker = await cluster.start_engine(handler, producer=small, tail_after_seconds=3)
    await cluster.until_committed(0, 1)
    assert handler.started == [(0, 0), (0, 0)]
    assert worker.count("publish_errors_total", topic=cluster.names.interactive, fate="not_moved") == 1
    assert await cluster.read(cluster.names.dead_letters, 0) == []


@dataclass
class Rig:
    """The moves alone, on a real producer, with clocks that the test turns."""

    cluster: Cluster
    producer: AIOKafkaProducer
    limits: FetchLimits = field(
        default=FetchLimits(
            records=16, bytes=2**20, waiting_records=6, waiting_bytes=2**20, window=10, record_bytes=2**10
        )
    )
    clock: float = 1000.0

    def __post_init__(self) -> None:
        topic = self.cluster.names.interactive
        self.registry = CollectorRegistry()
        self.partition = Partition(topic, 0, PartitionOffsets(0))
        self.backlog = Backlog({topic: 1})
        self.retry_clock = RetryClock(self.backlog, asyncio.Event(), lambda: self.clock)
        self.moves = TailMoves(
            self.producer,
            self.backlog,
            self.retry_clock,
            {TopicPartition(topic, 0): self.partition},
            policy=TailPolicy(30.0),
            limits=self.limits,
            metrics=EngineMetrics(self.registry),
            now=lambda: self.clock,
            wall=lambda: NOON + self.clock,
        )

    def deliver(self, offset: int, *, copied: bool = False) -> Work:
        """A record comes and is started."""
        headers = (("not-before", b"1"),) if copied else ()
        delivery = Delivery(
            topic=self.partition.topic, partition=0, offset=offset, key=b"k", value=b"v", headers=headers
        )
        work = Work(delivery, self.partition, stays_since=self.clock)
        assert self.partition.offsets is not None
        assert self.partition.offsets.deliver(offset)
        self.backlog.add(work)
        assert self.backlog.start() is work
        return work

    def finish(self, work: Work) -> None:
        self.backlog.finish(work)
        work.done()

    async def look_after(self, seconds: float) -> None:
        self.clock += seconds
        await self.moves.look()

    @property
    def moved(self) -> float:
        labels = {"topic": self.partition.topic}
        return self.registry.get_sample_value("promptmill_engine_records_moved_total", labels) or 0.0

    @property
    def committable(self) -> int:
        assert self.partition.offsets is not None
        return self.partition.offsets.committable


@pytest.fixture
def rig(cluster: Cluster) -> Rig:
    return Rig(cluster, cluster.producer)


async def test_copies_alone_in_their_topic_are_never_moved(rig: Rig) -> None:
    for offset in range(4):
        await rig.moves.wait(rig.deliver(offset, copied=True), 3600.0)
    for _ in range(100):
        await rig.look_after(30.0)
    assert (rig.moved, rig.backlog.waiting, rig.committable) == (0, 4, 0)


async def test_a_copy_that_holds_back_finished_offsets_goes_to_the_tail_again_after_a_while(rig: Rig) -> None:
    await rig.moves.wait(rig.deliver(0, copied=True), 3600.0)
    rig.finish(rig.deliver(1))
    await rig.look_after(700.0)
    assert (rig.moved, rig.committable) == (0, 0)
    await rig.look_after(50.0)
    assert (rig.moved, rig.committable, rig.backlog.waiting) == (1, 2, 0)
    (copy,) = await rig.cluster.read(rig.partition.topic, 1)
    assert copy.headers == (("not-before", f"{NOON + 1000.0 + 3600.0:.3f}".encode()),)


async def test_copies_that_keep_their_partition_from_being_read_are_moved_as_soon_as_they_have_stayed(
    rig: Rig,
) -> None:
    for offset in range(6):
        await rig.moves.wait(rig.deliver(offset, copied=True), 3600.0)
    await rig.look_after(29.0)
    assert rig.moved == 0
    await rig.look_after(1.0)
    assert (rig.moved, rig.committable, rig.backlog.waiting) == (6, 6, 0)


async def test_what_is_due_soon_is_waited_for_however_full_it_is(rig: Rig) -> None:
    for offset in range(6):
        await rig.moves.wait(rig.deliver(offset), 29.0)
    await rig.look_after(28.0)
    assert (rig.moved, rig.backlog.waiting) == (0, 6)


async def test_a_record_of_a_lost_partition_is_neither_moved_nor_kept(rig: Rig) -> None:
    work = rig.deliver(0)
    rig.partition.mine = False
    await rig.moves.wait(work, 3600.0)
    assert (rig.moved, rig.backlog.waiting, rig.backlog.active_bytes(rig.partition.topic)) == (0, 0, 0)


async def test_a_record_that_our_own_errors_are_counted_for_stays(rig: Rig) -> None:
    """A copy would begin at no errors, and so never be given up."""
    work = rig.deliver(0)
    work.errors = 1
    await rig.moves.wait(work, 3600.0)
    assert (rig.moved, rig.backlog.waiting) == (0, 1)

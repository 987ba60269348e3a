"""The one coroutine that polls, and does nothing else: no record's work and no commit can keep it from polling."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError

from common.partition_log import is_of_kafka
from consumer.engine.assignment import Assignment
from consumer.engine.backlog import Backlog
from consumer.engine.backoff import Backoff
from consumer.engine.fetch_plan import FetchLimits, FetchPlan, plan_fetch
from consumer.engine.offsets import PartitionOffsets
from consumer.engine.partition import Partition, Work
from consumer.engine.ports import Delivery
from consumer.engine.suspects import Suspects
from consumer.metrics import EngineMetrics

# A poll of no partition at all would mean every partition. One that does not exist keeps the list from being empty:
# a full worker goes on polling, for the group would put out a member that does not.
_NOWHERE = TopicPartition("", -1)

_IDLE_TIMEOUT_MS = 500
# While a partition is left out, a place that becomes free waits no longer than this.
_BUSY_TIMEOUT_MS = 20
_NOTHING = FetchPlan((), 1, complete=False)
_BACKOFF = Backoff(first_seconds=0.1, cap_seconds=5.0)


class Poller:
    """Moves records from Kafka into the backlog, as far as `limits` allow; sets `ready` when there are some.

    A getmany is never cancelled while the group is alive: aiokafka would from then on take this member for a busy one.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        assignment: Assignment,
        partitions: Mapping[TopicPartition, Partition],
        backlog: Backlog,
        ready: asyncio.Event,
        *,
        limits: FetchLimits,
        metrics: EngineMetrics,
        rng: random.Random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._assignment = assignment
        self._partitions = partitions
        self._backlog = backlog
        self._ready = ready
        self._limits = limits
        self._metrics = metrics
        self._rng = rng
        self._now = now
        self._suspects = Suspects()
        self._stopped = False
        self._progress_at = now()
        self._log = structlog.get_logger(__name__)

    @property
    def idle_seconds(self) -> float:
        """Time since a poll last ended, be it with no record or in an error."""
        return self._now() - self._progress_at

    def stop(self) -> None:
        """Take nothing more; the poll under way is the last, and what it brings is dropped."""
        self._stopped = True

    async def run(self) -> None:
        """Poll until stopped."""
        errors = 0
        while not self._stopped:
            plan = self._suspects.narrow(self._plan())
            try:
                polled = await self._poll(plan)
            except ConsumerStoppedError:
                return
            except Exception as error:  # noqa: BLE001 - a batch that aiokafka cannot read must not end the worker
                errors += 1
                self._failed(plan, error, errors)
                await asyncio.sleep(_BACKOFF.delay_seconds(errors, self._rng))
            else:
                errors = 0
                self._progress_at = self._now()
                if not self._stopped:
                    self._take(polled)
                    self._suspects.passed(plan.partitions, records=bool(polled), read_up=self._read_up)

    def _plan(self) -> FetchPlan:
        if not self._assignment.settled:
            return _NOTHING
        return plan_fetch(self._partitions.values(), self._limits, self._backlog.active_bytes)

    async def _poll(self, plan: FetchPlan) -> Mapping[TopicPartition, Sequence[Any]]:
        began = time.perf_counter()
        polled: Mapping[TopicPartition, Sequence[Any]] = await self._consumer.getmany(
            _NOWHERE,
            *map(_key, plan.partitions),
            timeout_ms=_IDLE_TIMEOUT_MS if plan.complete else _BUSY_TIMEOUT_MS,
            max_records=plan.max_records,
        )
        if polled:
            self._metrics.kafka_seconds.labels("poll").observe(time.perf_counter() - began)
        return polled

    def _failed(self, plan: FetchPlan, error: Exception, errors: int) -> None:
        """Read again what the failed poll may have taken and thrown away; skip a record that can never be read."""
        # Kafka's own trouble passes by itself. This process is alive and polling all the same.
        self._progress_at = self._now()
        self._metrics.poll_errors.inc()
        self._log.warning("poll failed", error=type(error).__name__, errors=errors)
        if not self._assignment.settled:
            # The listener puts every position right.
            return
        ours = [partition for partition in plan.partitions if partition.mine]
        unreadable = None if is_of_kafka(error) else self._suspects.failed(ours)
        for partition in ours:
            if partition.offsets is not None:
                if partition is unreadable:
                    self._skip(partition, partition.offsets, type(error).__name__)
                self._rewind(_key(partition), partition.offsets.next_offset)

    def _skip(self, partition: Partition, offsets: PartitionOffsets, why: str) -> None:
        """Take up the next record without its content: it is to be dead-lettered by reference."""
        offset = offsets.next_offset
        self._log.error("record is unreadable", topic=partition.topic, partition=partition.number, at=offset, error=why)
        offsets.deliver(offset)
        delivery = Delivery(topic=partition.topic, partition=partition.number, offset=offset, key=None, value=None)
        self._backlog.add(Work(delivery, partition, unreadable=why))
        self._metrics.delivered.labels(partition.topic).inc()
        self._ready.set()

    def _read_up(self, partition: Partition) -> bool:
        if partition.offsets is None or _key(partition) not in self._consumer.assignment():
            return False
        end = self._consumer.highwater(_key(partition))
        return end is not None and partition.offsets.next_offset >= end

    def _take(self, polled: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Hand over what was polled; nothing is awaited, so no rebalance can come between."""
        for topic_partition, records in polled.items():
            first = records[0].offset
            partition = self._partitions.get(topic_partition)
            if not self._assignment.settled or partition is None or partition.offsets is None:
                # The assignment changed during the poll: its listener decides where this partition goes on.
                self._rewind(topic_partition, first)
                continue
            expected = partition.offsets.next_offset
            if first > expected and partition.gap_at != expected:
                # Records lost on the way, or none there? The second answer is believed.
                partition.gap_at = expected
                self._rewind(topic_partition, expected)
                continue
            if first > expected:
                self._log.warning(
                    "offsets are missing", topic=partition.topic, partition=partition.number, at=expected, until=first
                )
                self._metrics.missing.labels(partition.topic).inc(first - expected)
            self._add(partition, records)
        if self._backlog:
            self._ready.set()

    def _add(self, partition: Partition, records: Sequence[Any]) -> None:
        if partition.offsets is None:
            raise ValueError("a partition without a start was polled")
        new = [record for record in records if partition.offsets.deliver(record.offset)]
        for record in new:
            self._backlog.add(Work(_delivery(record), partition, stays_since=self._now()))
        self._metrics.delivered.labels(partition.topic).inc(len(new))
        if len(new) < len(records):
            self._metrics.repeated.labels(partition.topic).inc(len(records) - len(new))

    def _rewind(self, topic_partition: TopicPartition, offset: int) -> None:
        if topic_partition in self._consumer.assignment():
            self._consumer.seek(topic_partition, offset)


def _key(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)


def _delivery(record: Any) -> Delivery:
    return Delivery(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        timestamp_ms=record.timestamp,
    )

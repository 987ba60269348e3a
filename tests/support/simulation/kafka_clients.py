"""What a process holds of aiokafka, on the simulated broker: what the engine uses of it, as aiokafka 0.14 does it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from tests.support.simulation.kafka_group import NO_GENERATION, KafkaGroup
from tests.support.simulation.kafka_log import Headers, KafkaLog, WrittenRecord
from tests.support.simulation.link import Link

_REQUEST_SECONDS = 8.0


class SimulatedProducer:
    """Stands for AIOKafkaProducer with acks=all."""

    def __init__(self, log: KafkaLog, link: Link) -> None:
        self._log = log
        self._link = link
        self._sender = None

    async def send_and_wait(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers = (),
    ) -> WrittenRecord:
        """Whoever gives up waiting does not take the record back."""
        if not self._link.is_up:
            await asyncio.sleep(_REQUEST_SECONDS)  # noqa: TID251 - of simulated time
            raise KafkaConnectionError
        sending = asyncio.create_task(self._send(topic, value, key, partition, headers))
        sending.add_done_callback(_heard)
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                return await asyncio.shield(sending)
        except TimeoutError:
            raise KafkaTimeoutError from None

    async def _send(
        self, topic: str, value: bytes | None, key: bytes | None, partition: int | None, headers: Headers
    ) -> WrittenRecord:
        await self._link.arrived()
        if not self._link.is_up:
            raise KafkaConnectionError
        written = self._log.append(topic, key=key, value=value, headers=headers, partition=partition)
        await self._link.answered()
        return written


class SimulatedCoordinator:
    """A member's side of the group: joins, and joins anew; tells the listener, whose errors nobody hears of."""

    def __init__(self, consumer: "SimulatedConsumer", group: KafkaGroup, link: Link, session_seconds: float) -> None:
        self.generation = NO_GENERATION
        self.member_id: str | None = None
        self._consumer = consumer
        self._group = group
        self._link = link
        self._session_seconds = session_seconds
        self._rejoin = asyncio.Event()
        self._coordination_task: asyncio.Task[None] | None = None
        self._heartbeating: asyncio.Task[None] | None = None

    def start(self, listener: ConsumerRebalanceListener) -> None:
        self._coordination_task = asyncio.create_task(self._coordinate(listener))

    async def stop(self) -> None:
        for part in (self._coordination_task, self._heartbeating):
            if part is not None:
                part.cancel()
                await asyncio.gather(part, return_exceptions=True)
        if self._link.is_up and self.member_id is not None:
            self._group.leave(self.member_id)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Try again while the coordinator is out of reach, under the generation of then."""
        await self._link.sent()
        sending = asyncio.create_task(self._commit(self.member_id, self.generation, offsets))
        sending.add_done_callback(_heard)
        try:
            # A commit that was sent is not taken back by who gives up waiting for it.
            await asyncio.shield(sending)
        except (UnknownMemberIdError, IllegalGenerationError) as error:
            self.reset()
            raise CommitFailedError from error
        except RebalanceInProgressError as error:
            self._rejoin.set()
            raise CommitFailedError from error

    async def _commit(self, member_id: str | None, generation: int, offsets: Mapping[TopicPartition, int]) -> None:
        await self._link.arrived()
        await self._link.sent()
        self._group.commit(member_id, generation, offsets)
        await self._link.answered()

    async def committed(self, topic_partition: TopicPartition) -> int | None:
        await self._link.sent()
        await self._link.arrived()
        offset = self._group.committed.get(topic_partition)
        await self._link.answered()
        return offset

    def reset(self) -> None:
        self.generation, self.member_id = NO_GENERATION, None
        self._rejoin.set()

    async def _coordinate(self, listener: ConsumerRebalanceListener) -> None:
        while True:
            self._rejoin.clear()
            await self._tell(listener.on_partitions_revoked, self._consumer.begin_reassignment())
            if self._heartbeating is not None:
                self._heartbeating.cancel()
                await asyncio.gather(self._heartbeating, return_exceptions=True)
            await self._join()
            await self._tell(listener.on_partitions_assigned, self._consumer.assignment())
            self._heartbeating = asyncio.create_task(self._heartbeat())
            await self._rejoin.wait()

    async def _tell(self, callback: Callable[[Any], Any], partitions: set[TopicPartition]) -> None:
        # aiokafka logs what a listener raises, and goes on.
        with suppress(Exception):
            await callback(partitions)

    async def _join(self) -> None:
        await self._link.sent()
        joining = self._group.join(
            self.member_id, session_seconds=self._session_seconds, rebalance_seconds=3 * self._session_seconds
        )
        while not joining.done():
            # The coordinator has timers of its own: in the simulation those who wait look after them.
            deadline = self._group.next_deadline
            wait = None if deadline is None else max(0.0, deadline - self._group.now())
            await asyncio.wait([joining], timeout=wait)
            self._group.expire()
        await self._link.answered()
        joined = joining.result()
        self.member_id, self.generation = joined.member_id, joined.generation
        self._consumer.assign(joined.partitions, self._group.committed)

    async def _heartbeat(self) -> None:
        while self.member_id is not None:
            await asyncio.sleep(self._session_seconds * 0.3)  # noqa: TID251 - of simulated time
            if not self._link.is_up or self.member_id is None:
                continue
            try:
                self._group.heartbeat(self.member_id, self.generation)
            except RebalanceInProgressError:
                self._rejoin.set()
            except (UnknownMemberIdError, IllegalGenerationError):
                self.reset()


class SimulatedConsumer:
    """Stands for AIOKafkaConsumer: of a group, without automatic commits, reading from the earliest."""

    def __init__(self, log: KafkaLog, group: KafkaGroup, link: Link, *, session_seconds: float) -> None:
        self._log = log
        self._link = link
        self._coordinator = SimulatedCoordinator(self, group, link, session_seconds)
        self._fetcher = None
        self._positions: dict[TopicPartition, int] = {}
        self._reassigning = True
        self._closed = False
        self._waiting: list[asyncio.Future[None]] = []

    async def start(self) -> None:
        if not self._link.is_up:
            raise KafkaConnectionError

    async def stop(self) -> None:
        if not self._closed:
            self._closed = True
            self._wake()
            await self._coordinator.stop()

    def subscribe(self, topics: Sequence[str], listener: ConsumerRebalanceListener) -> None:  # noqa: ARG002 - the group's
        self._coordinator.start(listener)

    def assignment(self) -> set[TopicPartition]:
        return set(self._positions)

    def begin_reassignment(self) -> set[TopicPartition]:
        self._reassigning = True
        return self.assignment()

    def assign(self, partitions: Sequence[TopicPartition], committed: Mapping[TopicPartition, int]) -> None:
        """Each starts anew at its committed offset, also one that was this member's before."""
        self._positions = {key: committed.get(key, 0) for key in partitions}
        self._reassigning = False
        self._wake()

    def seek(self, topic_partition: TopicPartition, offset: int) -> None:
        self._check(topic_partition)
        self._positions[topic_partition] = offset
        self._wake()

    async def position(self, topic_partition: TopicPartition) -> int:
        self._check(topic_partition)
        return self._positions[topic_partition]

    def highwater(self, topic_partition: TopicPartition) -> int:
        self._check(topic_partition)
        return self._log.end(topic_partition)

    async def committed(self, topic_partition: TopicPartition) -> int | None:
        return await self._coordinator.committed(topic_partition)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        for topic_partition in offsets:
            self._check(topic_partition)
        await self._coordinator.commit(offsets)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[WrittenRecord]]:
        """As aiokafka's: it waits for the end of a rebalance for however long, and for records until the timeout."""
        if self._closed:
            raise ConsumerStoppedError
        while True:
            if not await self._reassigned():
                return {}
            drained = self._drain(partitions, max_records)
            if drained:
                return drained
            waiters = [self._woken(), self._log.grown()]
            done, _ = await asyncio.wait(waiters, timeout=timeout_ms / 1000, return_when=asyncio.FIRST_COMPLETED)
            for waiter in waiters:
                waiter.cancel()
            if not done:
                return {}

    async def _reassigned(self) -> bool:
        """Wait for the end of a rebalance; False where the consumer was stopped."""
        while self._reassigning and not self._closed:
            await self._woken()
        return not self._closed

    def _drain(
        self, partitions: Sequence[TopicPartition], max_records: int
    ) -> dict[TopicPartition, list[WrittenRecord]]:
        drained: dict[TopicPartition, list[WrittenRecord]] = {}
        if not self._link.is_up:
            return drained
        for topic_partition, position in self._positions.items():
            records = self._log.records(topic_partition)[position : position + max_records]
            if records and max_records > 0 and topic_partition in partitions:
                drained[topic_partition] = list(records)
                max_records -= len(records)
        for topic_partition, taken in drained.items():
            self._positions[topic_partition] += len(taken)
        return drained

    def _check(self, topic_partition: TopicPartition) -> None:
        if topic_partition not in self._positions:
            raise IllegalStateError(f"{topic_partition} is not assigned")

    def _woken(self) -> "asyncio.Future[None]":
        future = asyncio.get_running_loop().create_future()
        self._waiting = [waiting for waiting in self._waiting if not waiting.done()]
        self._waiting.append(future)
        return future

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


def _heard(under_way: "asyncio.Task[Any]") -> None:
    """Whoever waited may have given up: what became of the request is nobody's surprise then."""
    if not under_way.cancelled():
        under_way.exception()

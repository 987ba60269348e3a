import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from common.topics import MAX_TASK_RECORD_BYTES
from consumer.engine.aiokafka_state import ended_part
from consumer.engine.assignment import Assignment
from consumer.engine.backlog import Backlog
from consumer.engine.backoff import Backoff
from consumer.engine.commits import Committer
from consumer.engine.fetch_plan import FetchLimits
from consumer.engine.holdings import Holding, holdings_of, lag_by_topic
from consumer.engine.leaving import leave_group
from consumer.engine.partition import Partition
from consumer.engine.polling import Poller
from consumer.engine.ports import CommitListener, Gate, Handler, ignore_commits
from consumer.engine.publishing import Publisher
from consumer.engine.retry_clock import RetryClock
from consumer.engine.slots import Slots
from consumer.engine.tail import TailPolicy
from consumer.engine.tail_moves import TailMoves
from consumer.metrics import EngineMetrics
from consumer.settings import WorkerSettings

_WATCH_SECONDS = 0.5
_LAST_COMMIT_SECONDS = 2.0
_LEAVE_SECONDS = 8.0
_START = Backoff(first_seconds=0.5, cap_seconds=10.0)


class EngineError(RuntimeError):
    """The engine cannot go on: the process should end and be replaced."""


class Engine:
    """A group member that gives records to `handler` and commits what is finished.

    Args:
        consumer: not started yet, of the group, without deserializers and without automatic commits.
        producer: started.
        handler: the role.
        gate: the role's word on whether records may be started.
        settings: bounds and times.
        lanes: weight by topic; while several topics have records they are started in this ratio, the first named first.
        dead_letter_topic: where records go that our own bugs keep from being handled.
        metrics: what is counted.
        rng: source of the jitter of retries.
        on_committed: told of each commit.
        clock: monotonic, in seconds; what the role's `publish_before` is told by.
        now: Unix time, in seconds.
    """

    def __init__(
        self,
        *,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        handler: Handler,
        gate: Gate,
        settings: WorkerSettings,
        lanes: Mapping[str, int],
        dead_letter_topic: str,
        metrics: EngineMetrics,
        rng: random.Random,
        on_committed: CommitListener = ignore_commits,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._consumer = consumer
        self._producer = producer
        self._topics = list(lanes)
        self._stall_seconds = settings.stall_timeout_seconds
        self._rng = rng
        self._metrics = metrics
        self._failure: BaseException | None = None
        self._gate = gate
        self._draining = False
        self._polling: asyncio.Task[None] | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._log = structlog.get_logger(__name__)

        ready = asyncio.Event()
        self._partitions = dict[TopicPartition, Partition]()
        self._backlog = Backlog(lanes)
        self._retry_clock = RetryClock(self._backlog, ready, clock)
        limits = _limits(settings, len(lanes))
        self._committer = Committer(
            consumer,
            self._partitions,
            interval_seconds=settings.commit_interval_seconds,
            on_committed=on_committed,
            metrics=metrics,
        )
        self._assignment = Assignment(
            consumer, self._partitions, self._backlog, self._committer, failed=self._fail, metrics=metrics
        )
        self._poller = Poller(
            consumer,
            self._assignment,
            self._partitions,
            self._backlog,
            ready,
            limits=limits,
            metrics=metrics,
            rng=rng,
            now=clock,
        )
        self._tail_moves = TailMoves(
            producer,
            self._backlog,
            self._retry_clock,
            self._partitions,
            policy=TailPolicy(settings.tail_after_seconds),
            limits=limits,
            metrics=metrics,
            now=clock,
            wall=now,
        )
        self._publisher = Publisher(
            producer,
            dead_letter_topic=dead_letter_topic,
            max_pending_bytes=settings.max_buffered_bytes,
            metrics=metrics,
            rng=rng,
            now=clock,
        )
        self._slots = Slots(
            handler,
            self._backlog,
            ready,
            self._tail_moves,
            self._publisher,
            gate=gate,
            concurrency=settings.concurrency,
            max_errors=settings.max_handler_errors,
            dead_letter_topic=dead_letter_topic,
            failed=self._fail,
            metrics=metrics,
            rng=rng,
            now=now,
        )
        metrics.begin(self._topics, dead_letter_topic)
        self._show(settings.concurrency)

    @property
    def in_flight(self) -> int:
        """Records that hold a slot."""
        return self._slots.handling

    @property
    def holdings(self) -> list[Holding]:
        """The partitions that are this worker's now, and how far each is."""
        return holdings_of(self._consumer, self._partitions)

    def hurry(self, keys: Iterable[bytes]) -> None:
        """Give the records of these keys that wait for their next attempt to the handler now: something has changed."""
        self._retry_clock.hurry(keys)

    async def liveness(self) -> list[str]:
        """Why this process should be replaced, one reason a line; Kafka's absence is none."""
        reasons = []
        if self._failure is not None:
            reasons.append(f"the engine failed: {type(self._failure).__name__}")
        if not self._draining:
            part = ended_part(self._consumer, self._producer)
            if part is not None:
                reasons.append(f"{part} ended")
            # During a rebalance a poll lasts until it ends; the group's coordination is watched above.
            if self._assignment.settled and self._poller.idle_seconds > self._stall_seconds:
                reasons.append(f"no poll ended for {self._poller.idle_seconds:.0f} seconds")
        return reasons

    async def readiness(self) -> list[str]:
        """Why this worker takes no records, one reason a line; a member without partitions is ready."""
        reasons = []
        if not self._assignment.joined:
            reasons.append("not yet a member of the group")
        if self._draining:
            reasons.append("draining")
        if self._gate.hindrance is not None:
            reasons.append(self._gate.hindrance)
        return reasons

    async def run(self) -> None:
        """Join the group and work until `drain` is called.

        Raises:
            EngineError: a part of the engine, or of the Kafka clients, ended for good. Calls in flight go on: call
                `drain` before the process ends.
        """
        await self._start()
        if self._draining:
            return
        self._consumer.subscribe(topics=self._topics, listener=self._assignment)
        try:
            async with asyncio.TaskGroup() as loops:
                self._polling = loops.create_task(self._poller.run(), name="poll")
                self._loops = [
                    loops.create_task(coroutine, name=name)
                    for name, coroutine in (
                        ("start records", self._slots.run()),
                        ("bring back retries", self._retry_clock.run()),
                        ("move to the tail", self._tail_moves.run()),
                        ("commit", self._committer.run()),
                        ("watch", self._watch()),
                    )
                ]
        except* Exception as errors:
            self._fail(errors.exceptions[0])
            raise EngineError(f"the engine ended: {errors.exceptions[0]}") from errors

    async def drain(self, timeout_seconds: float) -> None:
        """Stop: commit, leave the group at once, let calls in flight end and publish, cancel what is not done in time.

        Safe at any time, also after `run` failed. What was fetched and not started is redelivered to its next owner.
        """
        if self._draining:
            return
        self._draining = True
        started = asyncio.get_running_loop().time()
        self._log.info("draining", in_flight=self.in_flight, timeout_seconds=timeout_seconds)
        self._poller.stop()
        for loop in self._loops:
            loop.cancel()
        # Nobody waits for a coordinator that cannot be reached, neither calls in flight nor the process's end.
        async with asyncio.TaskGroup() as steps:
            steps.create_task(self._leave(), name="commit and leave")
            finishing = steps.create_task(self._slots.finish(timeout_seconds), name="finish")
        if self._polling is not None:
            # Once the consumer is closed there is nobody to wake a poll that waits for an assignment.
            self._polling.cancel()
        seconds = asyncio.get_running_loop().time() - started
        self._log.info("drained", seconds=round(seconds, 3), cancelled=finishing.result())

    async def _start(self) -> None:
        failures = 0
        while not self._draining:
            try:
                await self._consumer.start()
            except KafkaError as error:
                failures += 1
                self._metrics.start_errors.inc()
                self._log.warning("Kafka is out of reach", error=type(error).__name__, failures=failures)
                await asyncio.sleep(_START.delay_seconds(failures, self._rng))
            else:
                return

    async def _leave(self) -> None:
        await self._committer.suspend(_LAST_COMMIT_SECONDS)
        self._assignment.abandon()
        await leave_group(self._consumer, _LEAVE_SECONDS)
        self._log.info("left the group")

    async def _watch(self) -> None:
        """End the engine when a part of it, or of the clients, has ended for good."""
        while True:
            if self._failure is not None:
                raise EngineError(type(self._failure).__name__) from self._failure
            part = ended_part(self._consumer, self._producer)
            if part is not None:
                raise EngineError(f"{part} ended")
            await asyncio.sleep(_WATCH_SECONDS)

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
            self._log.error("engine failed", error=type(error).__name__, exc_info=error)

    def _show(self, concurrency: int) -> None:
        metrics = self._metrics
        metrics.slots.set(concurrency)
        metrics.in_flight.set_function(lambda: self._slots.handling)
        metrics.buffered.set_function(lambda: self._backlog.buffered)
        metrics.waiting.set_function(lambda: self._backlog.waiting)
        metrics.unpublished_bytes.set_function(lambda: self._publisher.pending_bytes)
        metrics.partitions.set_function(lambda: len(self._partitions))
        metrics.widest_window.set_function(self._widest_window)
        metrics.lag.set_function(lambda: lag_by_topic(self.holdings))

    def _widest_window(self) -> int:
        tracked = (partition.offsets for partition in self._partitions.values())
        return max((offsets.window for offsets in tracked if offsets is not None), default=0)


def _limits(settings: WorkerSettings, lanes: int) -> FetchLimits:
    """Every lane has its own share of each bound, so that none can fill another's."""
    return FetchLimits(
        # Enough to start while a rebalance keeps polls from returning.
        records=max(16, 4 * settings.concurrency),
        bytes=settings.max_buffered_bytes // lanes,
        waiting_records=max(1, settings.max_waiting_records // lanes),
        waiting_bytes=max(1, settings.max_waiting_bytes // lanes),
        window=settings.max_uncommitted_offsets,
        record_bytes=MAX_TASK_RECORD_BYTES,
    )

"""Commits: the finished prefix of each partition, one commit at a time, never for a partition that is not ours."""

import asyncio
import time
from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from consumer.engine.aiokafka_state import generation
from consumer.engine.partition import Partition
from consumer.engine.ports import CommitListener
from consumer.metrics import EngineMetrics

# Longest time that one commit may take: without a coordinator aiokafka would try for ever.
_TIMEOUT_SECONDS = 5.0


class Committer:
    """Commits the partitions in `assigned` every `interval_seconds`, from its own coroutine.

    A commit never spans a rebalance: it would be sent under the new generation, and could set back the new owner.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        assigned: Mapping[TopicPartition, Partition],
        *,
        interval_seconds: float,
        on_committed: CommitListener,
        metrics: EngineMetrics,
    ) -> None:
        self._consumer = consumer
        self._assigned = assigned
        self._interval_seconds = interval_seconds
        self._on_committed = on_committed
        self._metrics = metrics
        self._single_flight = asyncio.Lock()
        self._under_way: asyncio.Timeout | None = None
        self._suspended = True
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """Commit at every interval, until cancelled."""
        while True:
            await asyncio.sleep(self._interval_seconds)
            if not self._suspended:
                await self.commit(_TIMEOUT_SECONDS)

    def resume(self) -> None:
        """The assignment stands: commits may be made."""
        self._suspended = False

    async def suspend(self, timeout_seconds: float) -> None:
        """Commit a last time and make no further commit; after this none is under way either."""
        self._suspended = True
        await self.commit(timeout_seconds)
        if self._under_way is not None:
            self._under_way.reschedule(asyncio.get_running_loop().time())

    async def commit(self, timeout_seconds: float) -> None:
        """Commit what is finished. What cannot be committed now is committed later, or redelivered to the next owner.

        Raises nothing of Kafka's: a commit that fails costs at most redeliveries.
        """
        try:
            async with asyncio.timeout(timeout_seconds) as limit, self._single_flight:
                self._under_way = limit
                try:
                    result = await self._commit()
                finally:
                    self._under_way = None
        except (CommitFailedError, IllegalStateError):
            # The group went on without us; these offsets are the next owner's.
            result = "dropped"
        except TimeoutError:
            result = "timed_out"
        except KafkaError as error:
            result = "failed"
            self._log.warning("commit failed", error=type(error).__name__)
        if result is not None:
            self._metrics.commits.labels(result).inc()

    async def _commit(self) -> str | None:
        """Commit once; None when there is nothing to commit."""
        current = self._consumer.assignment()
        positions = {
            topic_partition: (partition.offsets, position)
            for topic_partition, partition in self._assigned.items()
            if partition.offsets is not None
            and (position := partition.offsets.uncommitted) is not None
            and topic_partition in current
        }
        # Outside of any generation a commit would count only in an empty group, and could set it back.
        if not positions or generation(self._consumer) <= 0:
            return None
        began = time.perf_counter()
        await self._consumer.commit({key: position for key, (_, position) in positions.items()})
        self._metrics.kafka_seconds.labels("commit").observe(time.perf_counter() - began)
        for topic_partition, (offsets, position) in positions.items():
            self._metrics.windows.labels(topic_partition.topic).observe(offsets.window)
            offsets.commit(position)
            self._on_committed(topic_partition.topic, topic_partition.partition, position)
        return "committed"

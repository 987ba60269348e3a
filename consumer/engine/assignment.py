"""Which partitions are this worker's, and what becomes of their records when the group gives them out anew.

aiokafka's rebalances are eager: each one takes every partition away, forgets positions, and starts again at the
committed offsets, also for a partition that comes straight back. Such a partition keeps its records and offsets here,
and its position is put back to where it was.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError

from consumer.engine.aiokafka_state import generation
from consumer.engine.backlog import Backlog
from consumer.engine.commits import Committer
from consumer.engine.offsets import PartitionOffsets
from consumer.engine.partition import Partition
from consumer.metrics import EngineMetrics

# The whole group waits while one member looks after its old assignment.
_LAST_COMMIT_SECONDS = 3.0
_COMPARE_SECONDS = 5.0
_LOCATE_AGAIN_SECONDS = 0.5


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """The listener of the group's rebalances, and keeper of `partitions`, which it changes in place.

    aiokafka swallows what a listener raises: it is given to `failed` instead, for nothing is certain after it.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        partitions: dict[TopicPartition, Partition],
        backlog: Backlog,
        committer: Committer,
        *,
        failed: Callable[[BaseException], None],
        metrics: EngineMetrics,
    ) -> None:
        self._consumer = consumer
        self._partitions = partitions
        self._backlog = backlog
        self._committer = committer
        self._failed = failed
        self._metrics = metrics
        self._settled = False
        self._joined = False
        self._generation = 0
        self._locating: asyncio.Task[None] | None = None
        self._log = structlog.get_logger(__name__)

    @property
    def settled(self) -> bool:
        """Whether the assignment stands. While it does not, nothing polled may be kept: positions are not put right."""
        return self._settled

    @property
    def joined(self) -> bool:
        """Whether the group has ever given this worker an assignment, be it an empty one."""
        return self._joined

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """A rebalance begins: commit what is finished.

        Records fetched before go on being started: the role's claim on each keeps two workers from doing the same.
        """
        self._settled = False
        try:
            self._stop_locating()
            self._generation = generation(self._consumer)
            await self._committer.suspend(_LAST_COMMIT_SECONDS)
            self._log.info("partitions revoked", partitions=len(list(revoked)), generation=self._generation)
        except Exception as error:
            self._failed(error)
            raise

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """A rebalance ended: keep what came back, let go of what did not, take up what is new."""
        try:
            await self._reconcile(set(assigned))
        except Exception as error:
            self._failed(error)
            raise
        self._settled = self._joined = True
        self._committer.resume()

    def abandon(self) -> None:
        """This worker leaves the group: no partition is its own any more."""
        self._settled = False
        self._stop_locating()
        for topic_partition in list(self._partitions):
            self._lose(topic_partition)

    async def _reconcile(self, assigned: set[TopicPartition]) -> None:
        current = generation(self._consumer)
        kept = self._partitions.keys() & assigned
        # Whoever misses a generation cannot know whether another worker had its partitions in the meantime.
        if kept and not (self._generation > 0 and current == self._generation + 1):
            kept = await self._untouched(kept)
        lost = self._partitions.keys() - kept
        dropped = sum(self._lose(topic_partition) for topic_partition in lost)
        for topic_partition in kept:
            offsets = self._partitions[topic_partition].offsets
            if offsets is not None:
                self._consumer.seek(topic_partition, offsets.next_offset)
        for topic_partition in assigned - kept:
            self._partitions[topic_partition] = Partition(topic_partition.topic, topic_partition.partition)
        self._locating = asyncio.create_task(self._locate(), name="locate partitions")
        self._locating.add_done_callback(self._located)
        self._metrics.rebalances.inc()
        self._log.info(
            "partitions assigned",
            generation=current,
            partitions=len(assigned),
            kept=len(kept),
            lost=len(lost - assigned),
            records_dropped=dropped,
        )

    def _lose(self, topic_partition: TopicPartition) -> int:
        partition = self._partitions.pop(topic_partition)
        partition.mine = False
        return self._backlog.drop(partition)

    async def _untouched(self, partitions: set[TopicPartition]) -> set[TopicPartition]:
        """Those whose committed offset only this worker can have put where it is."""

        async def untouched(topic_partition: TopicPartition) -> bool:
            offsets = self._partitions[topic_partition].offsets
            if offsets is None:
                return False
            committed = await self._consumer.committed(topic_partition)
            return committed is None or offsets.committed <= committed <= offsets.committable

        ordered = sorted(partitions)
        try:
            async with asyncio.timeout(_COMPARE_SECONDS):
                answers = await asyncio.gather(*map(untouched, ordered))
        except (TimeoutError, KafkaError) as error:
            self._log.warning("committed offsets unknown", error=type(error).__name__)
            return set()
        return {topic_partition for topic_partition, answer in zip(ordered, answers, strict=True) if answer}

    def _stop_locating(self) -> None:
        if self._locating is not None:
            self._locating.cancel()
            self._locating = None

    async def _locate(self) -> None:
        """Find out where each new partition's reading starts; until then it is not polled.

        A record that a failed poll has thrown away is noticed only by those who know where they stood.
        """
        missing = [key for key, partition in self._partitions.items() if partition.offsets is None]
        await asyncio.gather(*map(self._locate_one, missing))

    def _located(self, locating: asyncio.Task[None]) -> None:
        if not locating.cancelled() and (error := locating.exception()) is not None:
            self._failed(error)

    async def _locate_one(self, topic_partition: TopicPartition) -> None:
        partition = self._partitions[topic_partition]
        while partition.mine:
            try:
                start = await self._consumer.committed(topic_partition)
                if start is None:
                    start = await self._consumer.position(topic_partition)
                # A poll that was under way during the rebalance may have moved the position on.
                self._consumer.seek(topic_partition, start)
                partition.offsets = PartitionOffsets(start)
            except IllegalStateError:
                # Revoked meanwhile; the next assignment decides.
                return
            except KafkaError as error:
                self._log.warning("position unknown", partition=partition.number, error=type(error).__name__)
                await asyncio.sleep(_LOCATE_AGAIN_SECONDS)
            else:
                return

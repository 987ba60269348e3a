import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from itertools import groupby

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from consumer.engine.backlog import Backlog
from consumer.engine.fetch_plan import FetchLimits, within_bounds
from consumer.engine.partition import Partition, Work
from consumer.engine.retry_clock import RetryClock
from consumer.engine.tail import TailPolicy, Wait, tail_copy
from consumer.metrics import EngineMetrics

_LOOK_SECONDS = 1.0
_SEND_SECONDS = 5.0
_AT_ONCE = 64


class TailMoves:
    """Lets records wait: here in memory, or, where that would be in the way, as a copy at the tail of their partition.

    The copy is acknowledged by every in-sync replica, then the old offset is done. A copy whose fate is unknown may
    be there twice, and a rebalance may deliver the original too: the role's claim on each makes that harmless.
    `now` is the monotonic clock, `wall` the one in Unix seconds.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        backlog: Backlog,
        retry_clock: RetryClock,
        partitions: Mapping[TopicPartition, Partition],
        *,
        policy: TailPolicy,
        limits: FetchLimits,
        metrics: EngineMetrics,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._producer = producer
        self._backlog = backlog
        self._retry_clock = retry_clock
        self._partitions = partitions
        self._policy = policy
        self._limits = limits
        self._metrics = metrics
        self._now = now
        self._wall = wall
        self._log = structlog.get_logger(__name__)

    async def wait(self, work: Work, delay_seconds: float) -> None:
        """See to it that a started record comes back after the delay."""
        now = self._now()
        work.due = now + max(0.0, delay_seconds)
        if work.partition.mine and self._is_to_move(work, now, crowded=False):
            await self._move(work)
        else:
            self._stay(work)

    async def run(self) -> None:
        """Move what has come to be in the way, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Move what is in the way now."""
        now, crowded = self._now(), self._crowded()
        works = self._backlog.reclaim(lambda work: self._is_to_move(work, now, crowded=work.partition in crowded))
        for first in range(0, len(works), _AT_ONCE):
            await asyncio.gather(*map(self._move, works[first : first + _AT_ONCE]))

    def _is_to_move(self, work: Work, now: float, *, crowded: bool) -> bool:
        if work.errors or work.unreadable is not None:
            # Errors of ours are counted here alone: a copy would begin at none, and never be given up. And of a record
            # that the client cannot read there is nothing to copy.
            return False
        offsets = work.partition.offsets
        wait = Wait(
            remaining=round(work.due - now, 3),
            stayed=now - work.stays_since,
            fresh=work.fresh,
            held=work.held,
            crowded=crowded,
            holding=offsets is not None and work.delivery.offset < offsets.last_finished,
        )
        return self._policy.moves(wait)

    def _crowded(self) -> Collection[Partition]:
        """The partitions that are not read any further before something of theirs has ended."""
        crowded: set[Partition] = set()
        ordered = sorted(self._partitions.values(), key=lambda partition: partition.topic)
        for _topic, group in groupby(ordered, key=lambda partition: partition.topic):
            lane = list(group)
            crowded.update(partition for partition in lane if not within_bounds(partition, self._limits, len(lane)))
        return crowded

    async def _move(self, work: Work) -> None:
        if not await self._copied(work):
            # It is asked about again when it has stayed for a while longer.
            work.fresh = False
            work.stays_since = self._now()
            self._stay(work)
            return
        self._metrics.moved.labels(work.delivery.topic).inc()
        self._backlog.finish(work)
        work.done()
        self._metrics.finished.labels(work.delivery.topic).inc()

    async def _copied(self, work: Work) -> bool:
        delivery = work.delivery
        not_before = self._wall() + work.due - self._now()
        copy = tail_copy(delivery, attempts=work.attempts, failures=work.failures, not_before=not_before)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._producer.send_and_wait(
                    copy.topic,
                    key=copy.key,
                    value=copy.value,
                    headers=list(copy.headers),
                    partition=copy.partition,
                )
        except (TimeoutError, KafkaError) as error:
            reason = type(error).__name__
        except Exception as error:  # noqa: BLE001 - whatever the client makes of a record it cannot write
            reason = type(error).__name__
        else:
            return True
        self._metrics.publish_errors.labels(copy.topic, "not_moved").inc()
        self._log.warning(
            "not moved to the tail",
            topic=delivery.topic,
            partition=delivery.partition,
            at=delivery.offset,
            error=reason,
        )
        return False

    def _stay(self, work: Work) -> None:
        if work.partition.mine:
            self._retry_clock.wait(work)
        else:
            # Its next owner has it already.
            self._backlog.finish(work)

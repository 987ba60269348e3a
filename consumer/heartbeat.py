"""Says every few seconds how this worker is, and what it has counted since: what a dashboard shows of all workers."""

import asyncio
import time
from collections.abc import Callable

import structlog
from prometheus_client import Gauge

from common.store.link import StoreUnavailable
from common.store.minutes import Minutes
from common.store.workers import BEAT_SECONDS, HeldPartition, WorkerReport, Workers
from consumer.engine.engine import Engine
from consumer.health import Health
from consumer.llm.metrics import LlmMetrics
from consumer.metrics import EngineMetrics
from consumer.totals import totals_of


class Heartbeat:
    """The word of one worker. `now` is in Unix seconds."""

    def __init__(
        self,
        workers: Workers,
        minutes: Minutes,
        *,
        worker: str,
        host: str,
        version: str,
        concurrency: int,
        health: Health,
        llm: LlmMetrics,
        engine: EngineMetrics,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._workers = workers
        self._minutes = minutes
        self._worker = worker
        self._host = host
        self._version = version
        self._concurrency = concurrency
        self._health = health
        self._llm = llm
        self._engine = engine
        self._now = now
        # None before the first time.
        self._heard: bool | None = None
        self._started_at = round(now(), 3)
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """Beat until cancelled. What Redis does not hear is said later."""
        while True:
            heard = self._heard
            try:
                await self.beat()
            except StoreUnavailable as error:
                if heard is not False:
                    self._log.warning("heartbeat not heard", reason=str(error))
            await asyncio.sleep(BEAT_SECONDS)

    async def beat(self) -> None:
        """Say once how the worker is.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        report, self._heard = await self._report(), False
        await self._workers.beat(self._worker, report)
        await self._minutes.tell(totals_of(self._llm, self._engine), now=self._now())
        self._heard = True

    async def leave(self) -> None:
        """Say the last that was counted, and that the worker has ended; nothing where Redis did not hear it lately.

        Raises:
            StoreUnavailable: Redis is out of reach; the worker is taken for a silent one for a while.
        """
        if not self._heard:
            return
        await self._minutes.tell(totals_of(self._llm, self._engine), now=self._now())
        await self._workers.leave(self._worker)

    async def _report(self) -> WorkerReport:
        engine = self._health.engine
        return WorkerReport(
            version=self._version,
            host=self._host,
            started_at=self._started_at,
            concurrency=self._concurrency,
            in_flight=0 if engine is None else engine.in_flight,
            buffered=_whole(self._engine.buffered),
            waiting=_whole(self._engine.waiting),
            leases=_whole(self._llm.leases_held),
            widest_window=_whole(self._engine.widest_window),
            brake_on=bool(_whole(self._llm.brake_on)),
            hindrances=await self._health.readiness(),
            partitions=_partitions(engine),
            totals=totals_of(self._llm, self._engine),
        )


def _whole(gauge: Gauge) -> int:
    """What a gauge shows."""
    [metric] = gauge.collect()
    return int(metric.samples[0].value)


def _partitions(engine: Engine | None) -> list[HeldPartition]:
    return [] if engine is None else [HeldPartition(*holding) for holding in engine.holdings]

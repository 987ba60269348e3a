"""Tells every few seconds how many prompts this API has accepted since, and tasks ended: for a dashboard's charts."""

import asyncio
from collections.abc import Callable

import structlog

from common.store.link import StoreUnavailable
from common.store.minutes import TELL_SECONDS, Minutes
from producer_api.metrics import Metrics


class Intake:
    """What one API process takes in, and back. `now` is in Unix seconds."""

    def __init__(self, minutes: Minutes, metrics: Metrics, *, now: Callable[[], float]) -> None:
        self._minutes = minutes
        self._metrics = metrics
        self._now = now
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """Tell until cancelled. What Redis does not hear is told later."""
        while True:
            await self.tell()
            await asyncio.sleep(TELL_SECONDS)

    async def tell(self) -> None:
        """Tell once."""
        accepted = sum(count.value for count in self._metrics.prompts_accepted.series.values())
        totals = {"accepted": round(accepted)}
        for (status,), count in self._metrics.tasks_ended.series.items():
            totals[f"tasks:{status}"] = round(count.value)
        try:
            await self._minutes.tell(totals, now=self._now())
        except StoreUnavailable as error:
            self._log.debug("counts not told", reason=str(error))

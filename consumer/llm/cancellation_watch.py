"""Ends a call as soon as its task is cancelled or deleted, on whichever API that was asked."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

import structlog

from common.store.cancellations import CancellationListener
from common.store.scripts import StoreUnavailable
from consumer.llm.lease_keeper import LeaseKeeper
from consumer.llm.metrics import LlmMetrics
from consumer.llm.store_pace import StorePace


class CancellationWatch:
    """Hears of ended tasks and has the keeper ask for them; without it that sees the same a third of a lease later.

    `hurry` is told the ids too, for tasks that wait for their next attempt: without it these end when that is due.
    `run` goes on until it is cancelled; a lost subscription is begun anew.
    """

    def __init__(
        self,
        channel: CancellationListener,
        keeper: LeaseKeeper,
        *,
        hurry: Callable[[Sequence[str]], None],
        pace: StorePace,
        metrics: LlmMetrics,
    ) -> None:
        self._channel = channel
        self._keeper = keeper
        self._hurry = hurry
        self._pace = pace
        self._metrics = metrics
        self._failures = 0
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """Listen; after a gap, doubt every claim that is held."""
        while True:
            try:
                await self._listen()
            except StoreUnavailable as error:
                self._lost(str(error))
            except Exception as error:  # noqa: BLE001 - such as a Redis that forbids it: calls end later, that is all
                self._lost(type(error).__name__)
            finally:
                self._metrics.listening.set(0)
            await asyncio.sleep(self._pace.delay_seconds(self._failures))

    async def _listen(self) -> None:
        async with aclosing(self._channel.listen()) as told:
            async for task_ids in told:
                if task_ids:
                    self._keeper.heed(task_ids)
                    self._hurry(task_ids)
                    continue
                # The subscription has begun; what was said before it is lost.
                self._keeper.heed_all()
                self._failures = 0
                self._metrics.listening.set(1)
                self._log.debug("hears of cancellations")

    def _lost(self, reason: str) -> None:
        self._failures += 1
        say = self._log.warning if self._failures == 1 else self._log.debug
        say("does not hear of cancellations", reason=reason)

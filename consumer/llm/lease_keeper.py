"""Keeps a worker's claims alive, all of them in few round trips, and ends the calls of those that it has lost."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType

import structlog

from common.store.claims import Claim, Hold
from common.store.leases import Leases
from common.store.scripts import StoreUnavailable
from consumer.llm.metrics import LlmMetrics

RENEWALS_PER_LEASE = 3
# More at once would hold up the event loop while their commands are written.
_CLAIMS_PER_ROUND_TRIP = 256
_REPEAT_SECONDS = 0.5
# Tasks of all workers: those that this one is just about to hold are among the last.
_MOST_HEARD = 10_000


class LeaseLost(Exception):  # noqa: N818 - a fact about a claim, decided on by its holder
    """The task is no longer the holder's: another holds it (LOST) or its run has ended (FINAL)."""

    def __init__(self, hold: Hold) -> None:
        super().__init__(hold.value)
        self.hold = hold


class HeldLease:
    """A claim and, by this process's monotonic clock, the instant until which it is surely its own.

    The instant counts from before the request that won or prolonged it: Redis's own count began later.
    """

    def __init__(self, claim: Claim, lapses_at: float, clock: Callable[[], float]) -> None:
        self.claim = claim
        self.lapses_at = lapses_at
        self.lost: Hold | None = None
        self.guarded: asyncio.Timeout | None = None
        self._clock = clock

    @property
    def runs(self) -> bool:
        """Whether the lease has not lapsed; only then may a claim that Redis forgot be written again."""
        return self._clock() < self.lapses_at

    def guard(self) -> AbstractAsyncContextManager[None]:
        """Run the body for as long as the task is the holder's.

        Raises:
            LeaseLost: it no longer is; the body was cancelled.
        """
        return _Guard(self)

    def lose(self, hold: Hold) -> bool:
        """Say that the task is no longer the holder's; whether something ran under `guard`, which is then cancelled."""
        self.lost = hold
        if self.guarded is None:
            return False
        self.guarded.reschedule(asyncio.get_running_loop().time())
        return True


class _Guard:
    """What ends when its lease is lost. A class, as is `_Keeping`: every task passes by, and generators cost more."""

    def __init__(self, lease: HeldLease) -> None:
        self._lease = lease
        self._scope = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        if self._lease.lost is not None:
            raise LeaseLost(self._lease.lost)
        await self._scope.__aenter__()
        self._lease.guarded = self._scope

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self._lease.guarded = None
        try:
            await self._scope.__aexit__(kind, error, frames)
        except TimeoutError:
            # Of the scope's own: it has no other end than the loss.
            if self._lease.lost is None:
                raise
            raise LeaseLost(self._lease.lost) from None


class _Keeping:
    """A claim is among those that are renewed while this lasts."""

    def __init__(self, lease: HeldLease, held: set[HeldLease]) -> None:
        self._lease = lease
        self._held = held

    def __enter__(self) -> HeldLease:
        self._held.add(self._lease)
        return self._lease

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self._held.discard(self._lease)


class LeaseKeeper:
    """One for a worker; `run` renews until it is cancelled."""

    def __init__(
        self, leases: Leases, *, lease_seconds: float, clock: Callable[[], float], metrics: LlmMetrics
    ) -> None:
        self._leases = leases
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._metrics = metrics
        self._held: set[HeldLease] = set()
        self._in_touch_until = 0.0
        self._heard: OrderedDict[str, float] = OrderedDict()
        self._doubted: set[str] = set()
        self._doubt = asyncio.Event()
        self._log = structlog.get_logger(__name__)
        metrics.leases_held.set_function(lambda: len(self._held))

    @property
    def in_touch(self) -> bool:
        """Whether every claim held was won or renewed within one lease: only then may another be asked for."""
        return not self._held or self._clock() < self._in_touch_until

    def keep(self, claim: Claim, *, since: float) -> AbstractContextManager[HeldLease]:
        """Renew the claim while the body runs; `since` is the clock before the claim was asked for."""
        lease = HeldLease(claim, since + self._lease_seconds, self._clock)
        if not self._held:
            self._in_touch_until = lease.lapses_at
        if self._clock() - self._heard.get(claim.task.task_id, -math.inf) < self._lease_seconds:
            # Its end may have come between the claim and the claim's answer.
            self._ask_soon([claim.task.task_id])
        return _Keeping(lease, self._held)

    def heed(self, task_ids: Iterable[str]) -> None:
        """Ask the store at once for those of these tasks that are held, now or by a claim that is not answered yet."""
        asked = list(task_ids)
        for task_id in asked:
            self._heard[task_id] = self._clock()
            self._heard.move_to_end(task_id)
        while len(self._heard) > _MOST_HEARD:
            self._heard.popitem(last=False)
        self._ask_soon(asked)

    def heed_all(self) -> None:
        """Ask the store at once for every task that is held: something may have been missed."""
        self._ask_soon(lease.claim.task.task_id for lease in self._held)

    def _ask_soon(self, task_ids: Iterable[str]) -> None:
        self._doubted.update(task_ids)
        if self._doubted:
            self._doubt.set()

    async def run(self) -> None:
        """Renew every claim three times a lease, and oftener while Redis does not answer; doubted ones at once."""
        interval = self._lease_seconds / RENEWALS_PER_LEASE
        repeat = min(_REPEAT_SECONDS, interval)
        due_at = self._clock() + interval
        while True:
            if await self._doubts_before(due_at):
                # Should the store not answer, the renewal that is due asks again.
                await self._renewed(self._renew_doubted)
                continue
            began = self._clock()
            due_at = began + interval if await self._renewed(self.renew) else self._clock() + repeat

    async def _doubts_before(self, due_at: float) -> bool:
        try:
            async with asyncio.timeout(max(0.0, due_at - self._clock())):
                await self._doubt.wait()
        except TimeoutError:
            return False
        return self._clock() < due_at

    async def _renewed(self, renew: Callable[[], Awaitable[object]]) -> bool:
        try:
            await renew()
        except StoreUnavailable as error:
            self._metrics.store_failures.labels("renew").inc()
            self._log.warning("leases not renewed", held=len(self._held), reason=str(error))
        except Exception:  # noqa: BLE001 - a lease that was not renewed lapses: worse than that must not come of it
            self._log.exception("leases not renewed", held=len(self._held))
        else:
            return True
        return False

    async def renew(self) -> int:
        """Renew every claim once, and write again those that the store has lost; how many are held.

        Raises:
            StoreUnavailable: Redis is out of reach; some may be renewed.
        """
        began = self._clock()
        held = [lease for lease in self._held if lease.lost is None]
        await self._ask(held)
        self._in_touch_until = began + self._lease_seconds
        return sum(lease.lost is None for lease in held)

    async def _renew_doubted(self) -> None:
        self._doubt.clear()
        doubted, self._doubted = self._doubted, set()
        await self._ask([lease for lease in self._held if lease.lost is None and lease.claim.task.task_id in doubted])

    async def _ask(self, held: Sequence[HeldLease]) -> None:
        for first in range(0, len(held), _CLAIMS_PER_ROUND_TRIP):
            some = held[first : first + _CLAIMS_PER_ROUND_TRIP]
            asked_at = self._clock()
            holds = await self._leases.renew([(lease.claim, lease.runs) for lease in some])
            for lease, hold in zip(some, holds, strict=True):
                self._take(lease, hold, asked_at)

    def _take(self, lease: HeldLease, hold: Hold, asked_at: float) -> None:
        if hold is Hold.HELD:
            left = lease.lapses_at - self._clock()
            self._metrics.leases_left.observe(max(0.0, left))
            if left <= 0:
                self._metrics.leases_lapsed.inc()
            lease.lapses_at = asked_at + self._lease_seconds
        elif lease.lose(hold):
            # With no call under way it is most often the holder itself that has just ended the claim.
            say = self._log.warning if hold is Hold.LOST else self._log.info
            say("call ended: its lease is lost", task_id=lease.claim.task.task_id, hold=hold.value)

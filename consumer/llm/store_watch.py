"""Is the store still the one that this worker has written to? What follows for its claims when it is not.

Redis may lose everything, go back in time, or be away for so long that leases lapse which their holders could not
renew. Then what is missing does not mean that it never was, nor a lapsed lease that its holder is gone: for one lease
nothing is taken for what it seems, while every holder writes back what it knows. After a restart a task may even be
shown as queued while another worker calls the model for it: nobody claims anything until the others have had the time
to notice, too. Whether there was a restart is known of a connection only once it was looked over: nothing is claimed
over another.
"""

import asyncio
from collections.abc import Callable

import structlog

from common.store.claims import Lapsed, Missing
from common.store.marker import Marker, SharedLooks, StoreIdentity
from common.store.scripts import StoreUnavailable
from consumer.llm.kept_outcomes import KeptOutcomes
from consumer.llm.lease_keeper import RENEWALS_PER_LEASE, LeaseKeeper
from consumer.llm.metrics import LlmMetrics

_LOOK_SECONDS = 1.0
_LOOKS_PER_LEASE = 6
_RENEW_MARKER_SECONDS = 3600.0
# Every worker looks once a second, and connects anew within half a second of the store's return.
_OTHERS_TURN_SECONDS = 5.0


class StoreWatch:
    """One for a worker; `run` looks about once a second until it is cancelled. `clock` is monotonic."""

    def __init__(
        self,
        marker: Marker,
        keeper: LeaseKeeper,
        kept: KeptOutcomes,
        *,
        lease_seconds: float,
        clock: Callable[[], float],
        metrics: LlmMetrics,
    ) -> None:
        self._marker = marker
        self._looks = SharedLooks(marker)
        self._keeper = keeper
        self._kept = kept
        self._lease_seconds = lease_seconds
        self._renewal_seconds = lease_seconds / RENEWALS_PER_LEASE
        self._clock = clock
        self._metrics = metrics
        self._seen: StoreIdentity | None = None
        self._asking_since: float | None = None
        self._cautious_until = -float("inf")
        self._others_turn_until = -float("inf")
        self._owed = False
        self._writing_back = asyncio.Lock()
        self._broken = asyncio.Event()
        self._log = structlog.get_logger(__name__)

    @property
    def is_whole(self) -> bool:
        """Whether the store, at the last look, had everything that there is."""
        return self._seen is not None and self._seen.is_whole

    @property
    def connection(self) -> int | None:
        """The number of the link's connection that the last look went over; None before the first."""
        return None if self._seen is None else self._seen.connection

    @property
    def is_current(self) -> bool:
        """Whether that is the connection by now: a look says nothing of the Redis behind another."""
        return self.connection == self._marker.connection

    @property
    def settled(self) -> bool:
        """Whether nothing is left to be written back, by this worker or others; only then may a task be asked for."""
        return not self._owed and self._clock() >= self._others_turn_until

    async def broken(self) -> None:
        """Return when a look has found the store not to be whole."""
        await self._broken.wait()

    async def confirms(self, reply: Missing | Lapsed) -> bool:
        """Whether the store is to be believed: a task that is missing was never there, a lapsed lease has no holder.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        await self.look()
        if self._clock() < self._cautious_until:
            return False
        return self.is_whole or isinstance(reply, Lapsed)

    async def look(self) -> None:
        """Look at the store, and write back where it is another one than before.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        if self._asking_since is None:
            self._asking_since = self._clock()
        identity = await self._looks.identity()
        if self._asking_since is not None:
            self._note(identity, self._clock() - self._asking_since)
        self._asking_since = None
        if self._owed or self._kept.unsure:
            await self._write_back()

    async def run(self) -> None:
        """Look at the store again and again, and keep its marker."""
        pause = min(_LOOK_SECONDS, self._lease_seconds / _LOOKS_PER_LEASE)
        renewed = self._clock()
        while True:
            try:
                await self.look()
                if self.is_whole and self._clock() - renewed >= _RENEW_MARKER_SECONDS:
                    await self._marker.renew()
                    renewed = self._clock()
            except StoreUnavailable:
                # Whoever needs the store says so; how long it was away is counted at the next answer.
                self._metrics.store_failures.labels("look").inc()
            except Exception:  # noqa: BLE001 - a worker that does not look claims nothing that is missing: it goes on
                self._log.exception("the store was not looked at")
            self._kept.let_go()
            await asyncio.sleep(pause)

    def _note(self, identity: StoreIdentity, away_seconds: float) -> None:
        before, self._seen = self._seen, identity
        if identity.is_whole:
            self._broken.clear()
        else:
            self._broken.set()
        if before is None:
            self._note_first(identity, away_seconds)
        elif identity != before:
            self._kept.doubt()
            self._owed = True
            rebuilt = not before.is_whole and before.run_id == identity.run_id
            if rebuilt:
                self._metrics.store_changes.labels("rebuilt").inc()
                self._log.info("store is whole again")
            else:
                self._be_cautious("lost")
                if identity.is_former or identity.run_id != before.run_id:
                    self._leave_others_their_turn(_OTHERS_TURN_SECONDS)
        elif away_seconds > self._renewal_seconds:
            self._be_cautious("away")

    def _note_first(self, identity: StoreIdentity, away_seconds: float) -> None:
        """This worker has nothing in the store yet; others may."""
        if not identity.is_whole:
            self._be_cautious("incomplete")
        elif away_seconds > self._renewal_seconds:
            self._be_cautious("away")
        if identity.is_former:
            self._leave_others_their_turn(_OTHERS_TURN_SECONDS - identity.uptime_seconds)

    def _leave_others_their_turn(self, seconds: float) -> None:
        self._others_turn_until = self._clock() + min(seconds, self._lease_seconds)

    def _be_cautious(self, change: str) -> None:
        self._cautious_until = self._clock() + self._lease_seconds
        self._metrics.store_changes.labels(change).inc()
        self._log.warning("store not to be trusted", change=change, for_seconds=self._lease_seconds)

    async def _write_back(self) -> None:
        async with self._writing_back:
            epoch, owed, claims = self._kept.epoch, self._owed, 0
            if owed:
                claims = await self._keeper.renew()
                self._metrics.written_back.labels("claim").inc(claims)
            await self._kept.write_back()
            if owed and epoch == self._kept.epoch:
                self._owed = False
                self._log.info("written back", claims=claims, outcomes=len(self._kept))

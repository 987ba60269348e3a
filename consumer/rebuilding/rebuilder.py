"""One worker of all rebuilds a store that is not whole, by itself."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError

from common.store.marker import Marker
from common.store.rebuild_lease import RebuildLease
from common.store.scripts import StoreUnavailable
from consumer.rebuilding.rebuild import Rebuild, held, rebuild_under_lease

_PAUSE_SECONDS = 1.0


class Watch(Protocol):
    """Knows whether the store is whole."""

    async def broken(self) -> None:
        """Return while the store is not whole."""


class Rebuilder:
    """A worker's candidate: `run` rebuilds whenever the store is broken and nobody else does, until cancelled.

    `open_rebuild` gives a rebuild with clients of its own, which are closed with it. Should a rebuilder die, its lease
    lapses and another begins anew.
    """

    def __init__(
        self,
        *,
        watch: Watch,
        marker: Marker,
        lease: RebuildLease,
        open_rebuild: Callable[[], AbstractAsyncContextManager[Rebuild]],
        lease_seconds: float,
    ) -> None:
        self._watch = watch
        self._marker = marker
        self._lease = lease
        self._open_rebuild = open_rebuild
        self._lease_seconds = lease_seconds
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """Wait for a broken store, and rebuild it unless another worker does."""
        while True:
            await self._watch.broken()
            try:
                await self._rebuild_if_elected()
            except (StoreUnavailable, KafkaError, OSError, TimeoutError) as error:
                self._log.warning("rebuild given up", error=type(error).__name__)
            except Exception:  # noqa: BLE001 - tried again: without a rebuild the store never becomes whole
                self._log.exception("rebuild failed")
            await asyncio.sleep(min(_PAUSE_SECONDS, self._lease_seconds / 2))

    async def _rebuild_if_elected(self) -> None:
        if not await self._lease.take():
            self._log.info("rebuild left to another")
            return
        async with held(self._lease, lease_seconds=self._lease_seconds):
            if (await self._marker.identity()).is_whole:
                # Another was faster than our last look.
                return
            self._log.info("rebuild begins")
            async with self._open_rebuild() as rebuild:
                rebuilt = await rebuild_under_lease(rebuild, self._lease, self._marker, _silent)
        if rebuilt is None:
            self._log.warning("rebuild overtaken: the store was lost again, or another worker rebuilds it")
            return
        self._log.info(
            "rebuild done",
            outcomes=rebuilt.outcomes,
            deleted=rebuilt.deleted,
            reopened=rebuilt.reopened,
            unreadable=rebuilt.unreadable,
        )


async def _silent(_done: int, _total: int) -> None:
    """Its progress stands in the store."""

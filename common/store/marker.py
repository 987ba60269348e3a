"""Is the store whole? Its marker says so: a random value beside the `run_id` of the Redis that held it then.

A marker that is missing (a wiped store), or that names another `run_id` (a restart, perhaps from an old snapshot, or a
replica that took over), means that tasks may be missing or have gone back in time until the results were replayed.
"""

import asyncio
import secrets
from dataclasses import dataclass, field

from common.store.keys import Keys
from common.store.link import RedisLink

# Workers renew it; a store that nobody renewed for so long has no task left that is worth more than a rebuild.
MARKER_TTL_MS = 7 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """What the store is: `marker` is None where it is missing or was set under another Redis process.

    `is_former` tells the second from the first: what is there may be as old as the snapshot it was read from.
    `connection` is the number of the link's connection that it was seen over.
    """

    run_id: str
    marker: str | None
    is_former: bool = False
    uptime_seconds: float = field(default=0.0, compare=False)
    connection: int = field(default=0, compare=False)

    @property
    def is_whole(self) -> bool:
        """Whether what the store does not know does not exist."""
        return self.marker is not None


class Marker:
    """Reads, sets and renews the marker. Every method raises `StoreUnavailable` when Redis is out of reach."""

    def __init__(self, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self._key = keys.marker

    @property
    def connection(self) -> int:
        """The number of the link's connection by now."""
        return self._link.connections

    async def identity(self) -> StoreIdentity:
        """What the store is now."""
        while True:
            connection = self._link.connections
            info, marker = await self._link.transaction(("INFO", "server"), ("GET", self._key))
            # Otherwise it is not certain which of two connections answered.
            if connection == self._link.connections:
                break
        told = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
        run_id, uptime = told["run_id"], float(told["uptime_in_seconds"])
        text = None if marker is None else marker.decode()
        is_former = text is not None and not text.startswith(f"{run_id}:")
        return StoreIdentity(run_id, None if is_former else text, is_former, uptime, connection)

    async def set(self, run_id: str) -> None:
        """Say that the store under `run_id` is whole again."""
        await self._link.execute("SET", self._key, f"{run_id}:{secrets.token_hex(8)}", "PX", MARKER_TTL_MS)

    async def renew(self) -> None:
        """Keep the marker for another while."""
        await self._link.execute("PEXPIRE", self._key, MARKER_TTL_MS)


class SharedLooks:
    """Looks at the store for many at once: each gets an answer to a question that was asked after it came."""

    def __init__(self, marker: Marker) -> None:
        self._marker = marker
        self._under_way: asyncio.Task[StoreIdentity] | None = None
        self._next: asyncio.Task[StoreIdentity] | None = None

    async def identity(self) -> StoreIdentity:
        """What the store is now.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._look(self._under_way), name="look at the store")
            self._next.add_done_callback(_heard)
        return await asyncio.shield(self._next)

    async def _look(self, before: asyncio.Task[StoreIdentity] | None) -> StoreIdentity:
        if before is not None:
            await asyncio.wait({before})
        self._under_way, self._next = self._next, None
        return await self._marker.identity()


def _heard(look: asyncio.Task[StoreIdentity]) -> None:
    """Whoever asked may be gone: what the look came to is nobody's surprise then."""
    if not look.cancelled():
        look.exception()

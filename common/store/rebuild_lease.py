"""One worker rebuilds the store at a time: a lease of its own, and beside it how far the rebuild is."""

import orjson

from common.store.keys import Keys
from common.store.link import RedisLink
from common.task import to_millis

# The key is compared and written in one step: a lease that lapsed may be another's by now.
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_PROGRESS_TTL_MS = 60_000


class RebuildLease:
    """The lease of one would-be rebuilder, known by its random `token`. Every method raises `StoreUnavailable`."""

    def __init__(self, link: RedisLink, keys: Keys, *, token: str, lease_seconds: float) -> None:
        self._link = link
        self._key = keys.rebuild_lease
        self._progress_key = keys.rebuild_progress
        self._token = token
        self._lease_ms = to_millis(lease_seconds)

    async def take(self) -> bool:
        """Whether the lease is ours now; also where it was, and only the answer was lost."""
        taken = await self._link.execute("SET", self._key, self._token, "NX", "PX", self._lease_ms)
        return bool(taken) or await self.renew()

    async def renew(self) -> bool:
        """Prolong the lease; False when it is not ours any more, or the store that had it was lost."""
        return await self._compared(_RENEW, self._token, self._lease_ms)

    async def release(self) -> None:
        """Let another have it at once."""
        await self._compared(_RELEASE, self._token)

    async def tell(self, done: int, total: int) -> None:
        """Show for a minute how many records of how many are done."""
        progress = orjson.dumps({"done": done, "total": total})
        await self._link.execute("SET", self._progress_key, progress, "PX", _PROGRESS_TTL_MS)

    async def _compared(self, script: str, *arguments: str | int) -> bool:
        return bool(await self._link.execute("EVAL", script, 1, self._key, *arguments))

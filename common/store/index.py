"""The newest tasks of each tenant, by their ids alone: what a list is made from.

Ids sort by the time they were made, so the set of them needs no other order. It is a view of a view: apart from the
tasks' own keys, bounded, written behind them in the same round trip, put together again by a rebuild. What it names
may be gone by now; its readers take that out.
"""

from collections.abc import Sequence

from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.resp import encode_command

# Some 13 MB of Redis for each tenant that fills it.
MOST_LISTED = 100_000


class TaskIndex:
    """A sorted set for each tenant, of at most `most` ids, of which the oldest go first."""

    def __init__(self, link: RedisLink, keys: Keys, *, most: int = MOST_LISTED) -> None:
        self._link = link
        self._keys = keys
        self._most = most

    def adding(self, tenant: str, task_ids: Sequence[str], *, kept_ms: int) -> list[bytes]:
        """The commands that add some of a tenant's tasks, to be sent behind those that write them; safe to repeat.

        The set lasts `kept_ms` from then at least: as long as the longest of its tasks may.
        """
        if not task_ids:
            return []
        key = self._keys.task_index(tenant)
        scored = [item for task_id in task_ids for item in (0, task_id)]
        return [
            encode_command("ZADD", key, *scored),
            encode_command("ZREMRANGEBYRANK", key, 0, -(self._most + 1)),
            # The second passes over a set that has no end yet.
            encode_command("PEXPIRE", key, kept_ms, "NX"),
            encode_command("PEXPIRE", key, kept_ms, "GT"),
        ]

    async def newest(self, tenant: str, *, before: str | None, limit: int) -> list[str]:
        """Up to `limit` ids, newest first: all, or those that sort before `before`.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        latest = "+" if before is None else f"({before}"
        ids = await self._link.execute(
            "ZRANGE", self._keys.task_index(tenant), latest, "-", "BYLEX", "REV", "LIMIT", 0, limit
        )
        return [task_id.decode() for task_id in ids]

    async def remove(self, tenant: str, task_ids: Sequence[str]) -> None:
        """Take out ids that name nothing any more.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        await self._link.execute("ZREM", self._keys.task_index(tenant), *task_ids)

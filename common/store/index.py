"""The newest tasks of each tenant, by their ids alone: what a list is made from.

Ids sort by the time they were made, so the set of them needs no other order. It is a view of a view: apart from the
tasks' own keys, bounded, written behind them in the same round trip, put together again by a rebuild. What it names
may be gone by now; its readers take that out.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from common.store.forms import ID, id_bytes
from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.resp import encode_command
from common.task import to_millis

# Some 13 MB of Redis for each tenant that fills it.
MOST_LISTED = 100_000
_DAY_SECONDS = 24 * 3600

# A set is cut back when so much of it has been added, not each time: it is larger than it may be by that at most,
# for each process that adds.
_SLACK = 100
# Tenants of which is remembered how much was added.
_MOST_TENANTS = 10_000

_HEAD = b"*%d\r\n$4\r\nZADD\r\n$%d\r\n%b\r\n"
_MEMBER = b"$1\r\n0\r\n$%d\r\n%%b\r\n" % ID.width


class Listed(Protocol):
    """What a list needs to know of a task."""

    @property
    def task_id(self) -> str:
        """Its id."""

    @property
    def tenant(self) -> str:
        """Whose it is."""


class Growth:
    """What one process has added to each tenant's set since it was last cut back, which is less than `most`. Pure."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._added: dict[str, int] = {}

    def __len__(self) -> int:
        """Of how many tenants it knows."""
        return len(self._added)

    def is_to_be_cut(self, tenant: str, more: int) -> bool:
        """Whether to cut it back now that `more` are added: where that is enough, or nobody knows of any before."""
        added = self._added.get(tenant)
        if added is not None and added + more < self._most:
            self._added[tenant] = added + more
            return False
        if len(self._added) >= _MOST_TENANTS:
            self._added.clear()
        self._added[tenant] = 0
        return True


class TaskIndex:
    """A sorted set for each tenant, of about `most` ids, of which the oldest go first.

    It lasts for `kept_seconds` after it was last added to: as long as any task may, and its result.
    """

    def __init__(
        self, link: RedisLink, keys: Keys, *, most: int = MOST_LISTED, kept_seconds: float = 2 * _DAY_SECONDS
    ) -> None:
        self._link = link
        self._keys = keys
        self._most = most
        self._kept_ms = to_millis(kept_seconds)
        self._growth = Growth(most // _SLACK)

    def adding(self, tenant: str, task_ids: Sequence[str]) -> list[bytes]:
        """The commands that add some of a tenant's tasks, to be sent behind those that write them; safe to repeat."""
        if not task_ids:
            return []
        key = self._keys.task_index(tenant)
        commands = [_zadd(key, task_ids), encode_command("PEXPIRE", key, self._kept_ms)]
        if self._growth.is_to_be_cut(tenant, len(task_ids)):
            commands.append(encode_command("ZREMRANGEBYRANK", key, 0, -(self._most + 1)))
        return commands

    def adding_all(self, tasks: Iterable[Listed]) -> list[bytes]:
        """The same for tasks of any tenants."""
        of_tenants: dict[str, list[str]] = {}
        for task in tasks:
            of_tenants.setdefault(task.tenant, []).append(task.task_id)
        return [command for tenant, task_ids in of_tenants.items() for command in self.adding(tenant, task_ids)]

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


def _zadd(key: str, task_ids: Sequence[str]) -> bytes:
    """One command for all of them, of the same score."""
    named, count = key.encode(), len(task_ids)
    return _HEAD % (2 + 2 * count, len(named), named) + _MEMBER * count % tuple(map(id_bytes, task_ids))

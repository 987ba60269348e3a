"""Deleted tasks whose result a worker still has to take back from the results topic, with a null value.

Only workers publish results. A record that has not reached its end is nulled by the worker that comes to it; this list
is for those that had: their result is in the topic, or on its way there. So an id is due twice: at once, and again when
no worker can be publishing that result any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common.store.keys import Keys
from common.store.link import RedisLink

# Some 12 MB of Redis. Only workers or a Kafka that are away for long let so many gather.
MAX_FORGOTTEN = 100_000
# As long as the results topic keeps what there would be to take back.
_TTL_SECONDS = 7 * 24 * 3600
_AGAIN = ":again"


@dataclass(frozen=True, slots=True)
class Due:
    """A task whose null is to be published now, for the `last` time or once more later."""

    task_id: str
    last: bool


class Forgotten:
    """A sorted set by due time (Unix seconds). Every method raises `StoreUnavailable`; repeating is safe."""

    def __init__(self, link: RedisLink, keys: Keys, *, max_tasks: int = MAX_FORGOTTEN) -> None:
        self._link = link
        self._key = keys.forgotten
        self._max_tasks = max_tasks

    async def has_room(self) -> bool:
        """Whether one more may be added: it must not be, where it would be lost."""
        return bool(await self._link.execute("ZCARD", self._key) < self._max_tasks)

    async def add(self, task_id: str, *, now: float) -> None:
        """Have the task's result taken back from now on."""
        await self._write({task_id: now}, ())

    async def due(self, *, now: float, limit: int) -> list[Due]:
        """Up to `limit` tasks whose time has come, the longest due first."""
        members = await self._link.execute("ZRANGE", self._key, "-inf", now, "BYSCORE", "LIMIT", 0, limit)
        texts = [member.decode() for member in members]
        return [Due(text.removesuffix(_AGAIN), last=text.endswith(_AGAIN)) for text in texts]

    async def nulled(self, done: Sequence[Due], *, again_at: float) -> None:
        """Their nulls are in the topic: those that were not the last are due once more at `again_at`."""
        again = {due.task_id + _AGAIN: again_at for due in done if not due.last}
        await self._write(again, [due.task_id + (_AGAIN if due.last else "") for due in done])

    async def _write(self, added: dict[str, float], removed: Sequence[str]) -> None:
        commands: list[Sequence[str | float]] = [("EXPIRE", self._key, _TTL_SECONDS)]
        if removed:
            commands.insert(0, ("ZREM", self._key, *removed))
        if added:
            scored = [item for member, score in added.items() for item in (score, member)]
            commands.insert(0, ("ZADD", self._key, *scored))
        await self._link.transaction(*commands)

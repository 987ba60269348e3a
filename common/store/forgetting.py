"""Deleted tasks whose result a worker still has to take back from the results topic, with a null value.

Only workers publish results. A record that has not reached its end is nulled by the worker that comes to it; this list
is for those that had: their result is in the topic, or on its way there. So an id is due twice: at once, and again when
no worker can be publishing that result any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from common.store.keys import Keys
from common.store.scripts import OUT_OF_REACH, StoreUnavailable

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

    def __init__(self, redis: Redis, keys: Keys, *, max_tasks: int = MAX_FORGOTTEN) -> None:
        self._redis = redis
        self._key = keys.forgotten
        self._max_tasks = max_tasks

    async def has_room(self) -> bool:
        """Whether one more may be added: it must not be, where it would be lost."""
        try:
            return bool(await self._redis.zcard(self._key) < self._max_tasks)
        except OUT_OF_REACH as error:
            raise _out_of_reach(error) from error

    async def add(self, task_id: str, *, now: float) -> None:
        """Have the task's result taken back from now on."""
        await self._write({task_id: now}, ())

    async def due(self, *, now: float, limit: int) -> list[Due]:
        """Up to `limit` tasks whose time has come, the longest due first."""
        try:
            members = await self._redis.zrange(self._key, "-inf", str(now), byscore=True, offset=0, num=limit)
        except OUT_OF_REACH as error:
            raise _out_of_reach(error) from error
        texts = [member.decode() for member in members if isinstance(member, bytes)]
        return [Due(text.removesuffix(_AGAIN), last=text.endswith(_AGAIN)) for text in texts]

    async def nulled(self, done: Sequence[Due], *, again_at: float) -> None:
        """Their nulls are in the topic: those that were not the last are due once more at `again_at`."""
        again = {due.task_id + _AGAIN: again_at for due in done if not due.last}
        await self._write(again, [due.task_id + (_AGAIN if due.last else "") for due in done])

    async def _write(self, added: dict[str, float], removed: Sequence[str]) -> None:
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                if added:
                    pipeline.zadd(self._key, added)
                if removed:
                    pipeline.zrem(self._key, *removed)
                pipeline.expire(self._key, _TTL_SECONDS)
                await pipeline.execute()
        except OUT_OF_REACH as error:
            raise _out_of_reach(error) from error


def _out_of_reach(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"Redis is out of reach: {type(error).__name__}")

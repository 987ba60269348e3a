"""The attempts of a task that are over, as far as its hash remembers them: of all runs, the last twenty."""

from collections.abc import Sequence
from typing import NamedTuple

from common.store.keys import Keys
from common.store.link import RedisLink
from common.task import to_seconds

_PAST = 20
_FIELDS = [f"past:{place}" for place in range(_PAST)]


class PastAttempt(NamedTuple):
    """One call that came to no answer, or whose run was followed by another. Times are Unix seconds.

    `how` it ended is a cause of a retry, `worker_lost`, or the status that its run ended with. What is not known any
    more is None.
    """

    run: int
    attempt: int
    started_at: float | None
    ended_at: float
    how: str
    partition: int | None
    offset: int | None
    worker: str | None


class PastAttempts:
    """Reads them, one task at a time: it is people who ask."""

    def __init__(self, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def read(self, task_id: str) -> list[PastAttempt]:
        """The oldest first; none where the task is not known.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        values = await self._link.execute("HMGET", self._keys.task(task_id), *_FIELDS)
        parts = [value.decode().split(" ", 8) for value in values if value is not None]
        return [_attempt(rest) for _, *rest in sorted(parts, key=lambda part: int(part[0]))]


def _attempt(parts: Sequence[str]) -> PastAttempt:
    run, attempt, started_at, ended_at, how, partition, offset, worker = (
        None if part == "-" else part for part in parts
    )
    return PastAttempt(
        int(run or 0),
        int(attempt or 0),
        None if started_at is None else to_seconds(int(started_at)),
        to_seconds(int(ended_at or 0)),
        how or "",
        None if partition is None else int(partition),
        None if offset is None else int(offset),
        worker,
    )

"""An operator's move: another run of a task that has ended."""

from dataclasses import dataclass
from enum import StrEnum

from redis.asyncio import Redis

from common.store.keys import Keys
from common.store.scripts import ScriptCall, identity, load_script, reply_word, run_scripts
from common.task import Task, to_millis


class Redriven(StrEnum):
    """What became of the wish; the record of run n+1 is to be published for the first two only."""

    STARTED = "started"
    AGAIN = "again"
    MOVED = "moved"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class RedriveReply:
    """How it was taken, and the run that the task is in now (0 where there is none)."""

    redriven: Redriven
    run: int


class Redriving:
    """Starts run n+1 by compare-and-set, so that redriving twice does it once."""

    def __init__(self, redis: Redis, keys: Keys, *, result_ttl_seconds: float) -> None:
        self._redis = redis
        self._keys = keys
        self._result_ttl = to_millis(result_ttl_seconds)
        self._script = load_script("redrive")

    async def redrive(self, task: Task) -> RedriveReply:
        """Start the run after `task.run`; `task.expires_at` is the new run's. Raises `StoreUnavailable`."""
        arguments = {**identity(task), "result_ttl": self._result_ttl}
        call = ScriptCall(self._script, self._keys.of(task.task_id), arguments)
        [reply] = await run_scripts(self._redis, [call])
        return RedriveReply(Redriven(reply_word(reply)), int(reply[1]) if len(reply) > 1 else 0)

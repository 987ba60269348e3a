"""The API's moves: tasks whose records Kafka has, and records that it must not have."""

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from common.store.keys import Keys
from common.store.scripts import ScriptCall, identity, load_script, run_scripts
from common.task import Task, to_millis


@dataclass(frozen=True, slots=True)
class Written:
    """A task whose record every in-sync replica has, and where it stands."""

    task: Task
    partition: int
    offset: int


class Submissions:
    """Accepting and refusing, each for many tasks in one round trip."""

    def __init__(self, redis: Redis, keys: Keys, *, result_ttl_seconds: float) -> None:
        self._redis = redis
        self._keys = keys
        self._result_ttl = to_millis(result_ttl_seconds)
        self._accept = load_script("accept")
        self._refuse = load_script("refuse")

    async def accept(self, written: Sequence[Written]) -> None:
        """Show the tasks as queued, unless a worker was first.

        Raises:
            StoreUnavailable: some may not be shown yet; repeating is safe.
        """
        calls = [
            ScriptCall(
                self._accept,
                self._keys.of(entry.task.task_id),
                {
                    **identity(entry.task),
                    "result_ttl": self._result_ttl,
                    "partition": entry.partition,
                    "offset": entry.offset,
                },
            )
            for entry in written
        ]
        await run_scripts(self._redis, calls)

    async def refuse(self, tasks: Sequence[Task]) -> None:
        """Mark ids whose record may or may not be in the log: a worker that finds one skips it.

        Raises:
            StoreUnavailable: some may not be marked; repeating is safe.
        """
        calls = [
            ScriptCall(self._refuse, self._keys.of(task.task_id), {**identity(task), "result_ttl": self._result_ttl})
            for task in tasks
        ]
        await run_scripts(self._redis, calls)

"""An operator's move: another run of a task that has ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from common.store.keys import Keys
from common.store.link import RedisLink, granted
from common.store.resp import encode_command
from common.store.scripts import ScriptCall, identity, load_script, reply_word, run_scripts
from common.task import Task, to_millis
from common.topics import DEAD_LETTERS_KEPT_MS


class Redriven(StrEnum):
    """What became of the wish; the record of run n+1 is to be published for the first two only."""

    STARTED = "started"
    AGAIN = "again"
    MOVED = "moved"
    COMPLETED = "completed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class RedriveReply:
    """How it was taken, and the run that the task is in now (0 where there is none)."""

    redriven: Redriven
    run: int


class Redriving:
    """Starts run n+1 by compare-and-set, so that redriving twice does it once. Methods raise `StoreUnavailable`."""

    def __init__(self, link: RedisLink, keys: Keys, *, result_ttl_seconds: float) -> None:
        self._link = link
        self._keys = keys
        self._result_ttl = to_millis(result_ttl_seconds)
        self._script = load_script("redrive", keys=3)

    async def redrive(
        self, tasks: Sequence[Task], *, spare_completed: bool = False, preview: bool = False
    ) -> list[RedriveReply]:
        """Start the run after each task's `run`; `expires_at` is the new run's.

        With `spare_completed` a run that has its answer is left as it is; a `preview` changes nothing.
        """
        calls = [
            ScriptCall(
                self._script,
                (*self._keys.of(task.task_id), self._keys.redriven(task.task_id)),
                {
                    **identity(task),
                    "result_ttl": self._result_ttl,
                    "spare_completed": spare_completed,
                    "preview": preview,
                },
            )
            for task in tasks
        ]
        replies = await run_scripts(self._link, calls)
        return [RedriveReply(Redriven(reply_word(reply)), int(reply[1]) if len(reply) > 1 else 0) for reply in replies]

    async def origins(self, task_ids: Sequence[str]) -> list[tuple[int, int] | None]:
        """Partition and offset of the record that each task's run was made from; None where that is not known."""
        questions = [encode_command("HGET", self._keys.task(task_id), "origin") for task_id in task_ids]
        origins = granted(await self._link.ask(questions)) if questions else []
        return [None if origin is None else _place(origin) for origin in origins]

    async def remember(self, tasks: Sequence[Task]) -> None:
        """The records of these runs are written: none is started again even when its task has been forgotten.

        Not before: a run whose record was never written may be started again.
        """
        writes = [
            encode_command("SET", self._keys.redriven(task.task_id), task.run, "PX", DEAD_LETTERS_KEPT_MS)
            for task in tasks
        ]
        granted(await self._link.ask(writes))


def _place(origin: bytes) -> tuple[int, int]:
    partition, offset = origin.split(b" ")
    return int(partition), int(offset)

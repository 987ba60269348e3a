"""A rebuild's moves: what Kafka says of finished and of open tasks, written where the store does not know it."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.result import TaskRecordPlace
from common.store.compression import Packer
from common.store.index import TaskIndex
from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.scripts import ScriptCall, identity, load_script, reply_word, run_scripts
from common.store.submissions import Written
from common.task import Lane, Status, shown_model, to_millis
from common.topics import DEAD_LETTERS_KEPT_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One final run as its result record tells it; `value` is that record's value, times are Unix seconds.

    `progress` is None where the record does not tell it, and so is `place`, which is that of the task's own record.
    """

    task_id: str
    run: int
    tenant: str
    lane: Lane
    status: Status
    created_at: float
    expires_at: float
    finished_at: float
    attempts: int
    value: bytes
    progress: int | None = None
    started_at: float | None = None
    token: str | None = None
    model: str | None = None
    place: TaskRecordPlace | None = None


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that has not ended, by its record: it may know of attempts, failures and the next one's Unix time."""

    written: Written
    attempts: int | None = None
    failures: int | None = None
    not_before: float | None = None


class Restoring:
    """Writes tasks, each only where the store knows less. Raises `StoreUnavailable`; repeating is safe."""

    def __init__(
        self, link: RedisLink, keys: Keys, *, result_ttl_seconds: float, index: TaskIndex | None = None
    ) -> None:
        self._link = link
        self._keys = keys
        self._index = TaskIndex(link, keys) if index is None else index
        self._result_ttl = to_millis(result_ttl_seconds)
        self._packer = Packer()
        self._restore = load_script("restore", binary=1)
        self._bury = load_script("bury", keys=3)
        self._reopen = load_script("reopen")

    async def restore(self, outcomes: Sequence[Outcome]) -> int:
        """Write outcomes in one round trip; how many the store did not know."""
        calls = [self._restoring(outcome) for outcome in outcomes]
        replies = await run_scripts(self._link, calls, behind=self._index.adding_all(outcomes))
        return sum(reply_word(reply) == "restored" for reply in replies)

    async def bury(self, task_ids: Sequence[str], *, expires_at: float) -> None:
        """Mark tasks of which nothing is to be kept."""
        arguments = {"expires_at": to_millis(expires_at), "letters_kept": DEAD_LETTERS_KEPT_MS}
        calls = [ScriptCall(self._bury, self._keys.with_text(task_id), arguments) for task_id in task_ids]
        await run_scripts(self._link, calls)

    async def reopen(self, tasks: Sequence[OpenTask], *, delay_seconds: float) -> int:
        """Show tasks that have not ended as queued, each to be claimed after the delay; how many were not known.

        A worker may be calling the model for one of them: the delay is its time to say so.
        """
        calls = [self._reopening(task, delay_seconds) for task in tasks]
        behind = self._index.adding_all(task.written.task for task in tasks)
        replies = await run_scripts(self._link, calls, behind=behind)
        return sum(reply_word(reply) == "reopened" for reply in replies)

    def _reopening(self, task: OpenTask, delay_seconds: float) -> ScriptCall:
        written = task.written
        arguments: dict[str, str | float] = {
            **identity(written.task),
            "result_ttl": self._result_ttl,
            "partition": written.partition,
            "offset": written.offset,
            "delay": to_millis(delay_seconds),
        }
        if task.attempts is not None:
            arguments["known_attempts"] = task.attempts
        if task.failures is not None:
            arguments["known_failures"] = task.failures
        if task.not_before is not None:
            arguments["not_before"] = to_millis(task.not_before)
        return ScriptCall(self._reopen, self._keys.of(written.task.task_id), arguments)

    def _restoring(self, outcome: Outcome) -> ScriptCall:
        arguments: dict[str, str | float] = {
            "run": outcome.run,
            "tenant": outcome.tenant,
            "lane": outcome.lane,
            "status": outcome.status,
            "created_at": to_millis(outcome.created_at),
            "expires_at": to_millis(outcome.expires_at),
            "finished_at": to_millis(outcome.finished_at),
            "attempts": outcome.attempts,
            "result_ttl": self._result_ttl,
        }
        if outcome.progress is not None:
            arguments["progress"] = outcome.progress
        if outcome.started_at is not None:
            arguments["started_at"] = to_millis(outcome.started_at)
        if outcome.token is not None:
            arguments["token"] = outcome.token
        if (model := shown_model(outcome.model)) is not None:
            arguments["model"] = model
        if outcome.place is not None:
            arguments |= {"partition": outcome.place.partition, "offset": outcome.place.offset}
        packed = {"result": self._packer.pack(outcome.value)}
        return ScriptCall(self._restore, self._keys.of(outcome.task_id), arguments, packed)

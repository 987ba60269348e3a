"""The API's moves: tasks whose records Kafka has, and ids whose records count for nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from common.store.forms import ANY_ID, around_id, id_bytes
from common.store.index import TaskIndex
from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.resp import Gap
from common.store.scripts import EncodedCall, Script, ScriptCall, identity, load_script, reply_word, run_scripts
from common.task import Task, to_millis


@dataclass(frozen=True, slots=True)
class Written:
    """A task whose record every in-sync replica has, and where it stands."""

    task: Task
    partition: int
    offset: int


class Located(NamedTuple):
    """The same by the task's id, for one of many that are alike but for the model that each names."""

    task_id: str
    partition: int
    offset: int
    model: str | None = None


# Making a form takes as long as encoding so many calls.
_WORTH_A_FORM = 4

# As wide as they ever are; spaces before a number are JSON too.
_PARTITION = Gap(b"%10d", 10)
_OFFSET = Gap(b"%19d", 19)


class Submissions:
    """Accepting, refusing and taking a refusal back, each for many tasks in one round trip."""

    def __init__(
        self, link: RedisLink, keys: Keys, *, result_ttl_seconds: float, index: TaskIndex | None = None
    ) -> None:
        self._link = link
        self._keys = keys
        self._index = TaskIndex(link, keys) if index is None else index
        self._result_ttl = to_millis(result_ttl_seconds)
        self._accept = load_script("accept")
        self._refuse = load_script("refuse")
        self._unrefuse = load_script("unrefuse")

    async def accept(self, written: Sequence[Written]) -> list[Task]:
        """Show the tasks as queued, unless a worker was first, and in the list of their tenant.

        Returns those that were marked as refused meanwhile, by an older writer of the same ids: a worker may have
        passed over their records, so these must be written once more. A repeat says so again, until a worker has them.

        Raises:
            StoreUnavailable: some may not be shown yet; repeating is safe.
        """
        calls = [
            self._accept_call(task, Located(task.task_id, partition, offset, task.model))
            for task, partition, offset in ((entry.task, entry.partition, entry.offset) for entry in written)
        ]
        behind = self._index.adding_all(entry.task for entry in written)
        replies = await run_scripts(self._link, calls, behind=behind)
        return [entry.task for entry, reply in zip(written, replies, strict=True) if reply_word(reply) == "readmitted"]

    async def accept_alike(self, pattern: Task, written: Sequence[Located]) -> list[str]:
        """The same for tasks that are all as `pattern` is but for their ids and models, laid out once for all of them.

        Returns the ids of those to be written once more.

        Raises:
            StoreUnavailable: some may not be shown yet; repeating is safe.
        """
        models = {entry.model for entry in written}
        if len(written) < _WORTH_A_FORM * len(models):
            calls: Sequence[ScriptCall | EncodedCall] = [self._accept_call(pattern, entry) for entry in written]
        else:
            calls = self._alike_calls(written, {model: self._form(pattern, model) for model in models})
        behind = self._index.adding(pattern.tenant, [entry.task_id for entry in written])
        replies = await run_scripts(self._link, calls, behind=behind)
        return [entry.task_id for entry, reply in zip(written, replies, strict=True) if reply[0] == b"readmitted"]

    def _accept_call(self, pattern: Task, entry: Located) -> ScriptCall:
        arguments = self._shared(pattern, entry.model)
        arguments |= {"partition": entry.partition, "offset": entry.offset}
        return ScriptCall(self._accept, self._keys.of(entry.task_id), arguments)

    def _shared(self, pattern: Task, model: str | None) -> dict[str, str | float]:
        named = {} if model is None else {"model": model}
        return {**identity(pattern), "result_ttl": self._result_ttl, **named}

    def _form(self, pattern: Task, model: str | None) -> bytes:
        """One command for all that name `model`, encoded but for the id, twice, and the record's place."""
        shared = orjson.dumps(self._shared(pattern, model)).removesuffix(b"}")
        keys = [around_id(key) for key in self._keys.of(ANY_ID)]
        arguments: list[bytes | Gap] = [shared, b',"partition":', _PARTITION, b',"offset":', _OFFSET, b"}"]
        return self._accept.call.with_gaps([*keys, arguments])

    def _alike_calls(self, written: Sequence[Located], forms: Mapping[str | None, bytes]) -> list[EncodedCall]:
        calls = []
        for entry in written:
            task_id = id_bytes(entry.task_id)
            command = forms[entry.model] % (task_id, task_id, entry.partition, entry.offset)
            calls.append(EncodedCall(self._accept, command))
        return calls

    async def refuse(self, tasks: Sequence[Task]) -> list[Task]:
        """Mark ids whose record may or may not be in the log: a worker that finds one skips it.

        Returns those that a worker found before this, which are not marked: they are tasks.

        Raises:
            StoreUnavailable: some may not be marked; repeating is safe.
        """
        words = await self._on_each(self._refuse, tasks)
        return [task for task, word in zip(tasks, words, strict=True) if word == "present"]

    async def unrefuse(self, tasks: Sequence[Task]) -> None:
        """Remove the marks of ids whose records are about to be written again; what is no mark stays as it is.

        Raises:
            StoreUnavailable: some may still be marked; repeating is safe.
        """
        await self._on_each(self._unrefuse, tasks)

    async def _on_each(self, script: Script, tasks: Sequence[Task]) -> list[str]:
        calls = [
            ScriptCall(script, self._keys.of(task.task_id), {**identity(task), "result_ttl": self._result_ttl})
            for task in tasks
        ]
        return [reply_word(reply) for reply in await run_scripts(self._link, calls)]

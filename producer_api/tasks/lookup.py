"""Finding tasks by ids as clients write them."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from common.store.marker import SharedLooks, StoreIdentity
from common.store.reading import TaskReader
from common.store.state import TaskState
from common.task import parse_task_id

_IDS_PER_ROUND_TRIP = 100
# The first look ever needs a second reading; so does each rebuild that ends meanwhile.
_READINGS = 3


_States = dict[str | None, TaskState | None]
_Read = Callable[[Sequence[str]], Awaitable[_States]]


class AnswerTooLarge(RuntimeError):  # noqa: N818 - a fact about an answer
    """The results asked for are more, in bytes, than one answer may hold."""


class StoreRebuilding(RuntimeError):  # noqa: N818 - names the state of the store
    """The store has lost something, and what it does not know may exist: ask again when it is rebuilt."""


class Lookup:
    """Reads a tenant's tasks; `max_answer_bytes` bounds the results read for one query.

    That there is no such task is said only of a store that was whole before the reading and the same one after it.
    """

    def __init__(self, reader: TaskReader, looks: SharedLooks, *, max_answer_bytes: int) -> None:
        self._reader = reader
        self._looks = looks
        self._max_answer_bytes = max_answer_bytes
        self._seen: StoreIdentity | None = None

    async def find(self, asked: Sequence[str], *, tenant: str) -> list[TaskState | None]:
        """The task of each text, in the order asked; None where the tenant has no such task.

        Raises:
            AnswerTooLarge: the results are too many bytes.
            StoreRebuilding: one is not known, and the store is not whole.
            StoreUnavailable: Redis is out of reach.
        """
        states = await self._states(asked, partial(self._read, tenant=tenant))
        return [state if state is not None and state.tenant == tenant else None for state in states]

    async def find_briefly(self, asked: Sequence[str]) -> list[TaskState | None]:
        """The task of each text, whoever's it is, without its result; None where there is none. For operators.

        Raises:
            StoreRebuilding: one is not known, and the store is not whole.
            StoreUnavailable: Redis is out of reach.
        """
        return await self._states(asked, self._read_briefly)

    async def _states(self, asked: Sequence[str], read: _Read) -> list[TaskState | None]:
        wanted = [parse_task_id(text) for text in asked]
        distinct = list(dict.fromkeys(task_id for task_id in wanted if task_id is not None))
        return list(map((await self._read_surely(distinct, read)).get, wanted))

    async def _read_surely(self, task_ids: Sequence[str], read: _Read) -> _States:
        """Each task's state; None for one that does not exist."""
        for _ in range(_READINGS):
            before = self._seen
            states = await read(task_ids)
            if all(state is not None for state in states.values()):
                return states
            self._seen = await self._looks.identity()
            if not self._seen.is_whole:
                break
            if self._seen == before:
                return states
        raise StoreRebuilding

    async def _read_briefly(self, task_ids: Sequence[str]) -> _States:
        return dict(zip(task_ids, await self._reader.read_briefly(task_ids), strict=True))

    async def _read(self, task_ids: Sequence[str], *, tenant: str) -> _States:
        states: _States = {}
        total = 0
        for first in range(0, len(task_ids), _IDS_PER_ROUND_TRIP):
            some = task_ids[first : first + _IDS_PER_ROUND_TRIP]
            read = await self._reader.read(some)
            states.update(zip(some, read, strict=True))
            total += sum(len(state.result or b"") for state in read if state is not None and state.tenant == tenant)
            if total > self._max_answer_bytes:
                raise AnswerTooLarge
        return states

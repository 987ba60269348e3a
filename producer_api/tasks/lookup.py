"""Finding tasks by ids as clients write them."""

from collections.abc import Sequence

from common.store.marker import SharedLooks
from common.store.reading import TaskReader
from common.store.state import TaskState
from common.task import parse_task_id

_IDS_PER_ROUND_TRIP = 50


class AnswerTooLarge(RuntimeError):  # noqa: N818 - a fact about an answer
    """The results asked for are more, in bytes, than one answer may hold."""


class StoreRebuilding(RuntimeError):  # noqa: N818 - names the state of the store
    """The store has lost something, and what it does not know may exist: ask again when it is rebuilt."""


class Lookup:
    """Reads a tenant's tasks; `max_answer_bytes` bounds the results read for one query.

    Only of a store that is whole is it said that there is no such task; `looks` are asked after the task was.
    """

    def __init__(self, reader: TaskReader, looks: SharedLooks, *, max_answer_bytes: int) -> None:
        self._reader = reader
        self._looks = looks
        self._max_answer_bytes = max_answer_bytes

    async def find(self, asked: Sequence[str], *, tenant: str) -> list[TaskState | None]:
        """The task of each text, in the order asked; None where the tenant has no such task.

        Raises:
            AnswerTooLarge: the results are too many bytes.
            StoreRebuilding: one is not known, and the store is not whole.
            StoreUnavailable: Redis is out of reach.
        """
        wanted = [parse_task_id(text) for text in asked]
        found: dict[str | None, TaskState | None] = {}
        distinct = list(dict.fromkeys(task_id for task_id in wanted if task_id is not None))
        total, unknown = 0, False
        for first in range(0, len(distinct), _IDS_PER_ROUND_TRIP):
            task_ids = distinct[first : first + _IDS_PER_ROUND_TRIP]
            states = await self._reader.read(task_ids)
            for task_id, state in zip(task_ids, states, strict=True):
                unknown = unknown or state is None
                if state is not None and state.tenant == tenant:
                    found[task_id] = state
                    total += len(state.result or b"")
            if total > self._max_answer_bytes:
                raise AnswerTooLarge
        if unknown and not (await self._looks.identity()).is_whole:
            raise StoreRebuilding
        return [found.get(task_id) for task_id in wanted]

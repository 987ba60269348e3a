"""Finding tasks by ids as clients write them."""

from collections.abc import Sequence

from common.store.reading import TaskReader
from common.store.state import TaskState
from common.task import parse_task_id

_IDS_PER_ROUND_TRIP = 50


class AnswerTooLarge(RuntimeError):  # noqa: N818 - a fact about an answer
    """The results asked for are more, in bytes, than one answer may hold."""


class Lookup:
    """Reads a tenant's tasks; `max_answer_bytes` bounds the results read for one query."""

    def __init__(self, reader: TaskReader, *, max_answer_bytes: int) -> None:
        self._reader = reader
        self._max_answer_bytes = max_answer_bytes

    async def find(self, asked: Sequence[str], *, tenant: str) -> list[TaskState | None]:
        """The task of each text, in the order asked; None where the tenant has no such task.

        Raises:
            AnswerTooLarge: the results are too many bytes.
            StoreUnavailable: Redis is out of reach.
        """
        wanted = [parse_task_id(text) for text in asked]
        found: dict[str | None, TaskState | None] = {}
        distinct = list(dict.fromkeys(task_id for task_id in wanted if task_id is not None))
        total = 0
        for first in range(0, len(distinct), _IDS_PER_ROUND_TRIP):
            task_ids = distinct[first : first + _IDS_PER_ROUND_TRIP]
            states = await self._reader.read(task_ids)
            for task_id, state in zip(task_ids, states, strict=True):
                if state is not None and state.tenant == tenant:
                    found[task_id] = state
                    total += len(state.result or b"")
            if total > self._max_answer_bytes:
                raise AnswerTooLarge
        return [found.get(task_id) for task_id in wanted]

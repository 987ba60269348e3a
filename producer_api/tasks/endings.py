"""Cancelling and deleting tasks: the store decides, and wakes the workers."""

from collections.abc import Callable, Sequence

from common.store.ending import Ending, Endings
from common.store.forgetting import Forgotten
from common.store.state import TaskState
from common.task import Status, parse_task_id
from common.telemetry.metrics import Counter
from producer_api.tasks.lookup import Lookup

_PER_ROUND_TRIP = 250
# Results may be of several megabytes each.
_RESULTS_AT_ONCE = 8


class TooManyDeletions(RuntimeError):  # noqa: N818 - a fact about the workers
    """The list of results to take back is full: nothing was deleted."""


class TaskEndings:
    """A tenant's own ends of its tasks.

    `clock` is in Unix seconds, `new_token` gives a random text, `ended` counts the tasks that end by it, by status.
    """

    def __init__(
        self,
        *,
        lookup: Lookup,
        endings: Endings,
        forgotten: Forgotten,
        clock: Callable[[], float],
        new_token: Callable[[], str],
        ended: Counter,
    ) -> None:
        self._lookup = lookup
        self._endings = endings
        self._forgotten = forgotten
        self._clock = clock
        self._new_token = new_token
        self._ended = ended

    async def cancel(self, asked: str, *, tenant: str) -> TaskState | None:
        """The task as it stands once it is final; None where the tenant has no such task.

        Raises:
            StoreRebuilding: the store does not know the task, and is not whole.
            StoreUnavailable: Redis is out of reach; the task may be cancelled. Repeating is safe.
        """
        task_id = parse_task_id(asked)
        if task_id is None:
            return None
        while True:
            [ending] = await self._cancel([task_id], tenant)
            [state] = await self._lookup.find([task_id], tenant=tenant)
            if state is None or ending is not Ending.ABSENT:
                return state
            # It came between the two: accepted, or restored by a rebuild.

    async def cancel_many(self, asked: Sequence[str], *, tenant: str) -> list[TaskState | None]:
        """Each task as it stands once it is final, without its result, in the order asked; None where there is none.

        Raises:
            StoreRebuilding: the store does not know one of them, and is not whole; the others are cancelled.
            StoreUnavailable: Redis is out of reach; some tasks may be cancelled. Repeating is safe.
        """
        wanted = [parse_task_id(text) for text in asked]
        distinct = list(dict.fromkeys(task_id for task_id in wanted if task_id is not None))
        left = distinct
        while left:
            endings: list[Ending] = []
            for first in range(0, len(left), _PER_ROUND_TRIP):
                some = left[first : first + _PER_ROUND_TRIP]
                endings += await self._cancel(some, tenant)
            absent = [task_id for task_id, ending in zip(left, endings, strict=True) if ending is Ending.ABSENT]
            # Those that came between the two: accepted, or restored by a rebuild.
            left = list(await self._states(absent, tenant))
        states = await self._states(distinct, tenant)
        return [None if task_id is None else states.get(task_id) for task_id in wanted]

    async def delete(self, asked: str, *, tenant: str) -> str | None:
        """The id of the task that this deleted; None where the tenant has no such task.

        Raises:
            StoreRebuilding: the store does not know the task, and is not whole.
            StoreUnavailable: Redis is out of reach; the task may be deleted. Repeating is safe.
            TooManyDeletions: nothing was deleted.
        """
        task_id = parse_task_id(asked)
        if task_id is None:
            return None
        if not await self._forgotten.has_room():
            raise TooManyDeletions
        token = self._new_token()
        while True:
            [ending] = await self._endings.delete([task_id], tenant=tenant, token=token)
            if ending is not Ending.ABSENT:
                break
            if await self._lookup.find([task_id], tenant=tenant) == [None]:
                return None
        # Also for a task deleted before: that request may have been cut short here, and its client repeats it.
        await self._forgotten.add(task_id, now=self._clock())
        return None if ending is Ending.DELETED_BEFORE else task_id

    async def _cancel(self, task_ids: Sequence[str], tenant: str) -> list[Ending]:
        endings = await self._endings.cancel(task_ids, tenant=tenant)
        for ending, status in ((Ending.CANCELLED, Status.CANCELLED), (Ending.EXPIRED, Status.EXPIRED)):
            if ended := endings.count(ending):
                self._ended.labels(status).inc(ended)
        return endings

    async def _states(self, task_ids: Sequence[str], tenant: str) -> dict[str, TaskState]:
        """Those that there are, without their results: of many tasks these may be more than can be held."""
        states: dict[str, TaskState] = {}
        for first in range(0, len(task_ids), _RESULTS_AT_ONCE):
            some = await self._lookup.find(task_ids[first : first + _RESULTS_AT_ONCE], tenant=tenant)
            states.update((state.task_id, state._replace(result=None)) for state in some if state is not None)
        return states

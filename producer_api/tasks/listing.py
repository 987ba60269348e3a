"""A tenant's newest tasks, page by page: the index names them, their hashes say which are meant."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from common.store.index import TaskIndex
from common.store.marker import SharedLooks
from common.store.reading import TaskReader
from common.store.state import TaskState
from common.task import Lane, Status
from producer_api.tasks.lookup import StoreRebuilding

# Of one request, whatever is asked for: what it costs does not grow with the tasks there are.
MOST_LOOKED_AT = 1_000
_AT_ONCE = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks are meant: those that fulfil all that is given."""

    statuses: Collection[Status] | None = None
    lane: Lane | None = None
    model: str | None = None

    @property
    def means_all(self) -> bool:
        """Whether nothing is given."""
        return self.statuses is None and self.lane is None and self.model is None

    def means(self, state: TaskState) -> bool:
        """Whether the task is one of them."""
        return (
            (self.statuses is None or state.status in self.statuses)
            and (self.lane is None or state.lane is self.lane)
            and (self.model is None or state.model == self.model)
        )


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Tasks without their results, newest first; `rest` is the id to go on behind, None where nothing is left."""

    states: Sequence[TaskState]
    rest: str | None


class Listing:
    """Lists tasks. One request looks at `MOST_LOOKED_AT` of them at most, so a page may be short, or empty."""

    def __init__(self, index: TaskIndex, reader: TaskReader, looks: SharedLooks) -> None:
        self._index = index
        self._reader = reader
        self._looks = looks

    async def page(self, wanted: TaskFilter, *, tenant: str, limit: int, after: str | None) -> TaskPage:
        """Up to `limit` of the tenant's tasks, those made before the id `after`.

        Raises:
            StoreRebuilding: the store does not know all tasks now.
            StoreUnavailable: Redis is out of reach.
        """
        if not (await self._looks.identity()).is_whole:
            raise StoreRebuilding
        found: list[TaskState] = []
        gone: list[str] = []
        looked_at = 0
        while looked_at < MOST_LOOKED_AT and len(found) < limit:
            many = limit - len(found) if wanted.means_all else _AT_ONCE
            many = min(many, _AT_ONCE, MOST_LOOKED_AT - looked_at)
            task_ids = await self._index.newest(tenant, before=after, limit=many)
            looked_at += len(task_ids)
            for task_id, state in zip(task_ids, await self._reader.read_briefly(task_ids), strict=True):
                after = task_id
                if state is None:
                    gone.append(task_id)
                elif state.tenant == tenant and wanted.means(state):
                    found.append(state)
                    if len(found) == limit:
                        break
            else:
                if len(task_ids) < many:
                    after = None
                    break
        if gone:
            # Deleted, or past their time: whoever lists next need not look at them.
            await self._index.remove(tenant, gone)
        return TaskPage(found, after)

"""Reading tasks when all of them have ended, or when the reader would wait no longer."""

import asyncio
from collections.abc import Callable, Sequence

from common.store.moves import Move
from common.store.state import TaskState
from producer_api.following import Following
from producer_api.tasks.looking import look_in_seconds
from producer_api.tasks.lookup import Lookup


class _Waiter:
    """Whom only ends wake. `stopping` says that this process is about to end."""

    def __init__(self) -> None:
        self.stopping = False
        self._doubtful = False
        self._ends: dict[str, int] = {}
        self._woken = asyncio.Event()

    def hear(self, move: Move) -> None:
        if move.is_end:
            self._ends[move.task_id] = move.moved_at
            self._woken.set()

    def doubt(self) -> None:
        self._doubtful = True
        self._woken.set()

    def stop(self) -> None:
        self.stopping = True
        self._woken.set()

    async def until_ended(self, unfinished: dict[str, TaskState], *, seconds: float) -> None:
        """Return when all have ended as far as is told, or there is another reason to look, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                while not (self.stopping or self._take_doubt() or self._have_ended(unfinished)):
                    await self._woken.wait()
                    self._woken.clear()
        except TimeoutError:
            return

    def _have_ended(self, unfinished: dict[str, TaskState]) -> bool:
        if len(self._ends) < len(unfinished):
            return False
        return all(self._ends.get(task_id, 0) > state.moved_at for task_id, state in unfinished.items())

    def _take_doubt(self) -> bool:
        doubtful, self._doubtful = self._doubtful, False
        return doubtful


class Waiting:
    """Long polls. `clock` is monotonic and `now` in Unix seconds."""

    def __init__(
        self, lookup: Lookup, following: Following, *, clock: Callable[[], float], now: Callable[[], float]
    ) -> None:
        self._lookup = lookup
        self._following = following
        self._clock = clock
        self._now = now

    async def find(self, asked: Sequence[str], *, tenant: str, seconds: float) -> list[TaskState | None]:
        """As `Lookup.find`, as soon as no task of them can move any more: each has ended, or there is no such task.

        So long at most, or until this process is about to end: then the tasks are as they are.

        Raises:
            TooManyFollowers: as many wait here as may.
        """
        until = self._clock() + seconds
        states = await self._lookup.find(asked, tenant=tenant)
        unfinished = _unfinished(states)
        if not unfinished or seconds <= 0:
            return states
        waiter = _Waiter()
        async with self._following.follow(list(unfinished), waiter):
            # What they did before they were followed nobody tells.
            states = await self._lookup.find(asked, tenant=tenant)
            while (unfinished := _unfinished(states)) and (left := until - self._clock()) > 0 and not waiter.stopping:
                look_in = look_in_seconds((state.expires_at for state in unfinished.values()), now=self._now())
                await waiter.until_ended(unfinished, seconds=min(left, look_in))
                states = await self._lookup.find(asked, tenant=tenant)
        return states


def _unfinished(states: Sequence[TaskState | None]) -> dict[str, TaskState]:
    return {state.task_id: state for state in states if state is not None and not state.status.is_final}

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from consumer.engine.backlog import Backlog
from consumer.engine.partition import Work

# All waiting records are looked through for those to hurry, so not for each of a thousand cancellations.
_LOOK_SECONDS = 0.2
# A record that is in a slot while its key is hurried may be about to wait.
_REMEMBER_SECONDS = 2.0
_MOST_REMEMBERED = 10_000


class RetryClock:
    """Brings waiting records back when they are due. Until then they hold no slot.

    `ready` is set whenever a record has become ready to start.
    """

    def __init__(self, backlog: Backlog, ready: asyncio.Event, now: Callable[[], float] = time.monotonic) -> None:
        self._backlog = backlog
        self._ready = ready
        self._now = now
        self._changed = asyncio.Event()
        self._hurried: OrderedDict[bytes, float] = OrderedDict()
        self._look_at = -float("inf")

    def wait(self, work: Work) -> None:
        """Bring a started record back when it is `due`."""
        self._backlog.wait(work)
        self._changed.set()

    def hurry(self, keys: Iterable[bytes]) -> None:
        """Bring the waiting records of these keys back at once, and those that are just about to wait."""
        for key in keys:
            self._hurried[key] = self._now()
            self._hurried.move_to_end(key)
        while len(self._hurried) > _MOST_REMEMBERED:
            self._hurried.popitem(last=False)
        self._changed.set()

    async def run(self) -> None:
        """Bring back what is due, until cancelled."""
        while True:
            self._changed.clear()
            self._look_for_hurried()
            if self._backlog.mature(self._now()):
                self._ready.set()
            due = self._next()
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - self._now())):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _look_for_hurried(self) -> None:
        now = self._now()
        if not self._hurried or now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        for work in self._backlog.reclaim(lambda work: work.delivery.key in self._hurried):
            work.due = now
            self._backlog.wait(work)
            # Once is enough: should it wait again, that is its handler's word.
            self._hurried.pop(work.delivery.key or b"", None)
        while self._hurried and next(iter(self._hurried.values())) <= now - _REMEMBER_SECONDS:
            self._hurried.popitem(last=False)

    def _next(self) -> float | None:
        due = self._backlog.next_due
        if not self._hurried:
            return due
        return self._look_at if due is None else min(due, self._look_at)

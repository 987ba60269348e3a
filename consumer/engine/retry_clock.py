import asyncio
import time
from collections.abc import Callable

from consumer.engine.backlog import Backlog
from consumer.engine.partition import Work


class RetryClock:
    """Brings waiting records back when they are due. Until then they hold no slot.

    `ready` is set whenever a record has become ready to start.
    """

    def __init__(self, backlog: Backlog, ready: asyncio.Event, now: Callable[[], float] = time.monotonic) -> None:
        self._backlog = backlog
        self._ready = ready
        self._now = now
        self._changed = asyncio.Event()

    def wait(self, work: Work) -> None:
        """Bring a started record back when it is `due`."""
        self._backlog.wait(work)
        self._changed.set()

    async def run(self) -> None:
        """Bring back what is due, until cancelled."""
        while True:
            self._changed.clear()
            if self._backlog.mature(self._now()):
                self._ready.set()
            due = self._backlog.next_due
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - self._now())):
                    await self._changed.wait()
            except TimeoutError:
                continue

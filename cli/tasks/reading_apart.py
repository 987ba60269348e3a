"""What blocks while it is read, such as standard input, read on a thread of its own."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_AHEAD = 2


async def read_apart(items: Iterator[Item]) -> AsyncGenerator[Item, None]:
    """The items, read two ahead at most. What reading raises is raised here, behind what was read before it.

    The thread is never waited for: whoever is interrupted while nothing comes can end.
    """
    reading = _Reading(items, asyncio.get_running_loop())
    threading.Thread(target=reading.run, name="read prompts", daemon=True).start()
    try:
        while True:
            found = await reading.ready.get()
            reading.room.release()
            if found is None:
                return
            if isinstance(found, Exception):
                raise found
            yield found[0]
    finally:
        reading.is_left = True
        reading.room.release()


class _Reading(Generic[Item]):
    """What the thread hands over: an item in a tuple, what was raised, or None for the end."""

    def __init__(self, items: Iterator[Item], loop: asyncio.AbstractEventLoop) -> None:
        self.ready: asyncio.Queue[tuple[Item] | Exception | None] = asyncio.Queue()
        self.room = threading.Semaphore(_AHEAD)
        self.is_left = False
        self._items = items
        self._loop = loop

    def run(self) -> None:
        try:
            for item in self._items:
                self._hand_over((item,))
                if self.is_left:
                    return
        except Exception as error:  # noqa: BLE001 (raised again by who takes it)
            self._hand_over(error)
        else:
            self._hand_over(None)

    def _hand_over(self, found: tuple[Item] | Exception | None) -> None:
        self.room.acquire()
        try:
            self._loop.call_soon_threadsafe(self.ready.put_nowait, found)
        except RuntimeError:
            # The loop is closed: nobody takes it any more.
            self.is_left = True

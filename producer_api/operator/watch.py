"""A view that is read every few seconds while anybody looks, once for all who do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

_SEND_SECONDS = 30.0
# For a reader that takes nothing while the process ends.
_LAST_SEND_SECONDS = 0.5


class TooManyViewers(RuntimeError):  # noqa: N818 - a fact about the process
    """As many look on here as may."""


class Watch:
    """One view and all who look at it. What is read last is all that is kept, for however slow a viewer.

    Args:
        read: Reads the view, laid out as it is sent. Must not raise.
        every_seconds: From the end of a reading to the next.
        most_viewers: Who may look at once.
    """

    def __init__(self, read: Callable[[], Awaitable[bytes]], *, every_seconds: float, most_viewers: int) -> None:
        self._read = read
        self._every_seconds = every_seconds
        self._most_viewers = most_viewers
        self._looks: set[Look] = set()
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self.number = 0
        # None while nobody has looked for long enough to have it read.
        self.latest: bytes | None = None
        self.stopping = False

    @property
    def viewers(self) -> int:
        """How many look now."""
        return len(self._looks)

    @property
    def is_reading(self) -> bool:
        """Whether the view is read now and then."""
        return self._reading is not None

    def stop(self) -> None:
        """Have all who look, and all who come later, end soon."""
        self.stopping = True
        self._tell()
        for look in self._looks:
            look.hurry()

    @asynccontextmanager
    async def looking(self) -> AsyncIterator["Look"]:
        """Look on while the body runs. The first view is not older than a reading, and new for who looks first.

        Raises:
            TooManyViewers: one more may not.
        """
        if self.viewers == self._most_viewers:
            raise TooManyViewers
        look = Look(self, seen=self.number if self.latest is None else self.number - 1)
        self._looks.add(look)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_on(), name="read a view")
        try:
            yield look
        finally:
            self._looks.discard(look)
            if not self._looks:
                await self._read_no_more()

    async def changed(self) -> None:
        """Wait for a newer view, or for the end.

        Raises what ended the reading, which is a bug.
        """
        if self._reading is not None and self._reading.done():
            self._reading.result()
        await self._news.wait()

    async def _read_on(self) -> None:
        try:
            while True:
                self.latest = await self._read()
                self.number += 1
                self._tell()
                await asyncio.sleep(self._every_seconds)
        finally:
            self._tell()

    async def _read_no_more(self) -> None:
        reading, self._reading = self._reading, None
        self.latest = None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _tell(self) -> None:
        """Wake all who wait now."""
        news, self._news = self._news, asyncio.Event()
        news.set()


class Look:
    """One viewer's; `seen` is the number of the view it had last."""

    def __init__(self, watch: Watch, *, seen: int) -> None:
        self._watch = watch
        self._seen = seen
        self._sending: asyncio.Timeout | None = None

    async def next(self) -> bytes | None:
        """The latest view, once there is one that was not seen; None when the process is about to end."""
        while self._seen == self._watch.number and not self._watch.stopping:
            await self._watch.changed()
        self._seen = self._watch.number
        return None if self._watch.stopping else self._watch.latest

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Have the body, which sends something, end within half a minute, and soon when the process is to end.

        Raises:
            TimeoutError: it did not.
        """
        async with asyncio.timeout(_LAST_SEND_SECONDS if self._watch.stopping else _SEND_SECONDS) as scope:
            self._sending = scope
            try:
                yield
            finally:
                self._sending = None

    def hurry(self) -> None:
        """Leave what is being sent little time."""
        if self._sending is not None:
            self._sending.reschedule(asyncio.get_running_loop().time() + _LAST_SEND_SECONDS)

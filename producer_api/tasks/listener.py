"""What a stream's reader has not been told yet, in bounds."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.store.moves import Move
from producer_api.tasks.alarm import Alarm

MOST_MOVES = 1_000
# Of texts.
MOST_BYTES = 256 * 1024
# For a reader that takes nothing while the process ends, or while more came than is kept for it.
_LAST_SEND_SECONDS = 0.5


class TooSlow(Exception):  # noqa: N818 - a fact about the reader
    """More happened than is kept for a reader that does not read."""


class Listener:
    """Keeps moves for one stream until it takes them.

    `overrun` says that more came than are kept, and `stopping` that this process is about to end; one that lingers is
    not hurried by that.
    """

    def __init__(self, *, lingers: bool = False, most_moves: int = MOST_MOVES, most_bytes: int = MOST_BYTES) -> None:
        self.overrun = False
        self.stopping = False
        self._lingers = lingers
        self._most_moves = most_moves
        self._doubtful = False
        self._most_bytes = most_bytes
        self._moves: list[Move] = []
        self._bytes = 0
        self._woken = asyncio.Event()
        # Every event is sent within a limit, and nearly all at once: a timer for each would cost more than the event.
        self._alarm = Alarm(self._look_up)
        self._send_by = math.inf
        self._scope: asyncio.Timeout | None = None

    def hear(self, move: Move) -> None:
        """Keep a move."""
        if move.part is not None:
            self._bytes += len(move.part.content)
        if len(self._moves) == self._most_moves or self._bytes > self._most_bytes:
            self.overrun = True
            self._moves.clear()
            self._hurry()
        if not self.overrun:
            self._moves.append(move)
        self._woken.set()

    def doubt(self) -> None:
        """Have the tasks read anew."""
        self._doubtful = True
        self._woken.set()

    def stop(self) -> None:
        """Have the stream end soon."""
        self.stopping = True
        self._woken.set()
        if not self._lingers:
            self._hurry()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Run the body, which sends what is kept, for as long as no send takes longer than it may.

        Raises:
            TooSlow: one did; the body was cancelled.
        """
        try:
            async with asyncio.timeout(None) as self._scope:
                yield
        except TimeoutError:
            if self._scope is None or not self._scope.expired():
                raise
            raise TooSlow from None
        finally:
            self._scope = None
            self._alarm.cancel()

    def send_begins(self, seconds: float) -> None:
        """Something is sent to the reader, which may take so long; less when the stream is to end."""
        self._send_by = self._alarm.now + seconds
        self._alarm.set(self._send_by)
        if (self.stopping and not self._lingers) or self.overrun:
            self._hurry()

    def send_ended(self) -> None:
        """It was taken."""
        self._send_by = math.inf

    async def wait(self, seconds: float) -> None:
        """Return when there is anything to do, after so long at the latest; sometimes sooner."""
        if not self._woken.is_set():
            self._alarm.set(self._alarm.now + seconds)
            await self._woken.wait()

    def _hurry(self) -> None:
        """What is being sent has little time left."""
        if self._send_by < math.inf:
            self._send_by = min(self._send_by, self._alarm.now + _LAST_SEND_SECONDS)
            self._alarm.set(self._send_by)

    def _look_up(self) -> None:
        self._woken.set()
        if self._send_by == math.inf:
            return
        if self._alarm.now < self._send_by:
            self._alarm.set(self._send_by)
        elif self._scope is not None:
            self._scope.reschedule(self._alarm.now)

    def take(self) -> list[Move]:
        """The moves since they were taken last, in their order."""
        self._woken.clear()
        moves, self._moves, self._bytes = self._moves, [], 0
        return moves

    def take_doubt(self) -> bool:
        """Whether the tasks are to be read anew, as moves may have been missed; asking takes it."""
        doubtful, self._doubtful = self._doubtful, False
        return doubtful

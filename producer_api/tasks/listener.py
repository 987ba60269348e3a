"""What a stream's reader has not been told yet, in bounds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.store.moves import Move

MOST_MOVES = 1_000
# Of texts.
MOST_BYTES = 256 * 1024
# For a reader that takes nothing while the process ends.
_LAST_SEND_SECONDS = 0.5


class Listener:
    """Keeps moves for one stream until it takes them.

    `overrun` says that more came than are kept, and `stopping` that this process is about to end.
    """

    def __init__(self, *, most_moves: int = MOST_MOVES, most_bytes: int = MOST_BYTES) -> None:
        self.overrun = False
        self.stopping = False
        self._most_moves = most_moves
        self._doubtful = False
        self._most_bytes = most_bytes
        self._moves: list[Move] = []
        self._bytes = 0
        self._woken = asyncio.Event()
        self._sending: asyncio.Timeout | None = None

    def hear(self, move: Move) -> None:
        """Keep a move."""
        if move.part is not None:
            self._bytes += len(move.part.content)
        if len(self._moves) == self._most_moves or self._bytes > self._most_bytes:
            self.overrun = True
            self._moves.clear()
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
        if self._sending is not None:
            self._sending.reschedule(asyncio.get_running_loop().time() + _LAST_SEND_SECONDS)

    @asynccontextmanager
    async def sending(self, seconds: float) -> AsyncIterator[None]:
        """Have the body, which sends something, end within so many seconds, and soon when the stream is to end.

        Raises:
            TimeoutError: it did not.
        """
        async with asyncio.timeout(min(seconds, _LAST_SEND_SECONDS) if self.stopping else seconds) as scope:
            self._sending = scope
            try:
                yield
            finally:
                self._sending = None

    async def wait(self, seconds: float) -> None:
        """Return when there is anything to do, after so long at most."""
        if self._woken.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def take(self) -> list[Move]:
        """The moves since they were taken last, in their order."""
        self._woken.clear()
        moves, self._moves, self._bytes = self._moves, [], 0
        return moves

    def take_doubt(self) -> bool:
        """Whether the tasks are to be read anew, as moves may have been missed; asking takes it."""
        doubtful, self._doubtful = self._doubtful, False
        return doubtful

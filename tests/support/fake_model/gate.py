import asyncio
from collections import deque


class Gate:
    """Where held calls wait, in order of arrival, and how they are let go."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, bool, asyncio.Future[None]]] = deque()
        self._permits = 0

    def __len__(self) -> int:
        return len(self._waiting)

    async def wait(self, prompt: str, *, countable: bool = True) -> None:
        """Wait to be released. A call that is not countable (one that hangs) ignores releases by count."""
        if countable and self._permits:
            self._permits -= 1
            return
        released: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (prompt, countable, released)
        self._waiting.append(entry)
        try:
            await released
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    def release(self, count: int) -> None:
        """Let ``count`` calls go: those that wait first, then as many that come later."""
        for entry in [entry for entry in self._waiting if entry[1]][:count]:
            self._let_go(entry)
            count -= 1
        self._permits += count

    def release_prompt(self, prompt: str) -> int:
        """Let the waiting calls of one prompt go and return their number."""
        entries = [entry for entry in self._waiting if entry[0] == prompt]
        for entry in entries:
            self._let_go(entry)
        return len(entries)

    def release_all(self) -> None:
        """Let every waiting call go and forget permits given in advance."""
        for entry in list(self._waiting):
            self._let_go(entry)
        self._permits = 0

    def forget_permits(self) -> None:
        """Take back permits that no call has used."""
        self._permits = 0

    def _let_go(self, entry: tuple[str, bool, asyncio.Future[None]]) -> None:
        self._waiting.remove(entry)
        if not entry[2].done():
            entry[2].set_result(None)

"""Whether Redis answers, known from the last round trip."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis.asyncio import Redis

from common.store.reading import ping
from common.store.scripts import StoreUnavailable

# An outcome this young stands for the present: under load the questions of all requests become one.
_FRESH_SECONDS = 0.1


class StoreHealth:
    """The outcome of the last round trip, renewed by a PING when it has aged.

    `timeout_seconds` bounds the PING; `clock` is monotonic, in seconds.
    """

    def __init__(self, redis: Redis, *, timeout_seconds: float, clock: Callable[[], float]) -> None:
        self._redis = redis
        self._timeout = timeout_seconds
        self._clock = clock
        self._asking = asyncio.Lock()
        self._answered = False
        self._known_at = float("-inf")

    async def ensure(self) -> None:
        """Return when Redis answers.

        Raises:
            StoreUnavailable: it does not.
        """
        if not self._is_fresh():
            async with self._asking:
                # Whoever waited for the lock shares the answer of the one who had it.
                if not self._is_fresh():
                    self._note(answered=await self._ask())
        if not self._answered:
            raise StoreUnavailable("Redis is out of reach")

    @contextmanager
    def observing(self) -> Iterator[None]:
        """Learn from the round trips of the block."""
        try:
            yield
        except StoreUnavailable:
            self._note(answered=False)
            raise
        self._note(answered=True)

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                return await ping(self._redis)
        except TimeoutError:
            return False

    def _is_fresh(self) -> bool:
        return self._clock() - self._known_at < _FRESH_SECONDS

    def _note(self, *, answered: bool) -> None:
        self._answered = answered
        self._known_at = self._clock()

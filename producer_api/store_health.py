"""Whether Redis answers."""

import asyncio

from redis.asyncio import Redis

from common.store.reading import ping
from common.store.scripts import StoreUnavailable


class StoreHealth:
    """Asks anew each time: what was true a moment ago would let a request through that cannot be shown.

    `timeout_seconds` bounds one question.
    """

    def __init__(self, redis: Redis, *, timeout_seconds: float) -> None:
        self._redis = redis
        self._timeout = timeout_seconds

    async def ensure(self) -> None:
        """Return when Redis answers.

        Raises:
            StoreUnavailable: it does not.
        """
        try:
            async with asyncio.timeout(self._timeout):
                answered = await ping(self._redis)
        except TimeoutError:
            answered = False
        if not answered:
            raise StoreUnavailable("Redis is out of reach")

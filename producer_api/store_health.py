"""Whether Redis answers."""

import asyncio
from collections.abc import Awaitable, Callable

from common.store.scripts import StoreUnavailable


class StoreHealth:
    """Asks anew each time: what was true a moment ago would let a request through that cannot be shown.

    `answers` is the question, `timeout_seconds` bounds it.
    """

    def __init__(self, answers: Callable[[], Awaitable[bool]], *, timeout_seconds: float) -> None:
        self._answers = answers
        self._timeout = timeout_seconds

    async def ensure(self) -> None:
        """Return when Redis answers.

        Raises:
            StoreUnavailable: it does not.
        """
        try:
            async with asyncio.timeout(self._timeout):
                answered = await self._answers()
        except TimeoutError:
            answered = False
        if not answered:
            raise StoreUnavailable("Redis is out of reach")

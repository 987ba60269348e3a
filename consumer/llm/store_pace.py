import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from common.store.scripts import StoreUnavailable

T = TypeVar("T")

_MAX_DOUBLINGS = 30


class StorePace:
    """How long to leave Redis alone while it is out of reach; `jitter` gives even numbers in [0, 1)."""

    def __init__(self, *, base_seconds: float, cap_seconds: float, jitter: Callable[[], float]) -> None:
        self._base_seconds = base_seconds
        self._cap_seconds = cap_seconds
        self._jitter = jitter

    def delay_seconds(self, failures: int) -> float:
        """The wait after so many failures in a row (from 1): doubled each time up to the cap, half of it jitter."""
        ceiling = min(self._cap_seconds, self._base_seconds * 2.0 ** min(failures - 1, _MAX_DOUBLINGS))
        return ceiling * (1 + self._jitter()) / 2

    async def until_answered(self, move: Callable[[], Awaitable[T]], on_failure: Callable[[], None]) -> T:
        """The answer to `move`, which is repeated until Redis gives one; it must be safe to repeat."""
        failures = 0
        while True:
            try:
                return await move()
            except StoreUnavailable:
                failures += 1
                on_failure()
                await asyncio.sleep(self.delay_seconds(failures))


async def to_its_end(move: Callable[[], Awaitable[T]], *, grace_seconds: float) -> T:
    """The answer to `move`, which must be safe to repeat.

    A cancellation leaves open whether it happened: it is made once more, for so long at most, before that passes.
    """
    try:
        return await move()
    except asyncio.CancelledError:
        # Its own error, if it has one, is no one's business any more: the process is ending.
        with suppress(Exception):
            async with asyncio.timeout(grace_seconds):
                await move()
        raise

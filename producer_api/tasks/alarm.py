"""One timer for deadlines that are nearly always put off before they come."""

import asyncio
import math
from collections.abc import Callable


class Alarm:
    """Calls `ring` at the instant set, or sooner: one that is set already and comes first is left as it is.

    Instants are those of the running loop's clock, `now`.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._at = math.inf

    @property
    def now(self) -> float:
        """The loop's clock, in seconds."""
        return self._loop.time()

    def set(self, at: float) -> None:
        """Ring at `at` at the latest."""
        if at < self._at:
            self.cancel()
            self._at = at
            self._timer = self._loop.call_at(at, self._rings)

    def cancel(self) -> None:
        """Do not ring until it is set again."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._at = None, math.inf

    def _rings(self) -> None:
        self._timer, self._at = None, math.inf
        self._ring()

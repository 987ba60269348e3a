"""How many calls the model has begun and answered, and who waits for how many."""

import asyncio
import heapq
import itertools
from collections.abc import Callable


class Tally:
    """Counts calls from a reset on; a number of answers can be waited for.

    Args:
        clock: Seconds; the same clock in every process of the machine.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self.reset(keep_instants=False)

    def reset(self, *, keep_instants: bool) -> None:
        """Begin to count anew.

        Args:
            keep_instants: Remember when each call came and was answered, or its client left, by its prompt's number.
        """
        self.begun = 0
        self.answered = 0
        self.abandoned = 0
        self.held_seconds = 0.0
        self.first_at = 0.0
        self.keep_instants = keep_instants
        self.instants: dict[int, tuple[float, float]] = {}
        self.left: dict[int, float] = {}

    def now(self) -> float:
        """Return the clock."""
        return self._clock()

    def begin(self) -> float:
        """Count a call and return when it came."""
        now = self._clock()
        if self.begun == 0:
            self.first_at = now
        self.begun += 1
        return now

    def answer(self, begun_at: float, number: int | None) -> None:
        """Count an answer; `number` is that of its prompt where instants are kept."""
        now = self._clock()
        self.held_seconds += now - begun_at
        if number is not None:
            self.instants[number] = (begun_at, now)
        self.answered += 1
        while self._waiting and self._waiting[0][0] <= self.answered:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)

    def abandon(self, number: int | None) -> None:
        """Count a call whose client went away; `number` as above."""
        self.abandoned += 1
        if number is not None:
            self.left[number] = self._clock()

    def reached(self, answers: int) -> asyncio.Future[None]:
        """Return what is done when so many answers have been given."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.answered >= answers:
            future.set_result(None)
        else:
            heapq.heappush(self._waiting, (answers, next(self._order), future))
        return future

    def report(self) -> dict[str, float]:
        """Return the counts; `first_at` is 0 when nothing was called."""
        return {
            "begun": self.begun,
            "answered": self.answered,
            "abandoned": self.abandoned,
            "held_seconds": self.held_seconds,
            "first_at": self.first_at,
        }

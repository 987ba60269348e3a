"""What one contender did in one round."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from benchmarks.cpu_clock import cpu_seconds
from benchmarks.model.handle import Counts, ModelHandle
from cli.stack.child import ChildProcess, ending


class EndedEarly(RuntimeError):  # noqa: N818 - says what happened
    """A program ended before it had made its calls."""


@dataclass(frozen=True, slots=True)
class Sample:
    """So many items in so many seconds, with the processor time of the process that is measured."""

    items: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Items in a second."""
        return self.items / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time for one item."""
        return 1000 * self.cpu_seconds / self.items


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of calls in the middle of a run, counted in answers, where all slots are busy."""

    begin: int
    end: int

    @classmethod
    def of(cls, calls: int, concurrency: int) -> "Window":
        """Leave out the slots' filling, twice over for connections to open, and their running empty.

        Raises:
            ValueError: There are too few calls for a window.
        """
        window = cls(2 * concurrency, calls - concurrency)
        if window.end - window.begin < concurrency:
            raise ValueError(f"{calls} calls are too few for {concurrency} at once: take at least {4 * concurrency}")
        return window


async def sampled(model: ModelHandle, process: ChildProcess, window: Window) -> Sample:
    """Measure the process while the model's answers go through the window.

    Raises:
        EndedEarly: The process ended before that.
        TimeoutError: It took minutes.
    """
    ended = asyncio.ensure_future(process.wait())
    try:
        print(f"     process {process.pid}")
        before = await _unless(ended, model.reached(window.begin))
        began_at, cpu_before = time.monotonic(), cpu_seconds(process.pid)
        after = await _unless(ended, model.reached(window.end))
        ended_at, cpu_after = time.monotonic(), cpu_seconds(process.pid)
    finally:
        ended.cancel()
    return Sample(after.answered - before.answered, ended_at - began_at, cpu_after - cpu_before)


async def _unless(ended: asyncio.Future[int], reached: Coroutine[Any, Any, Counts]) -> Counts:
    counts = asyncio.ensure_future(reached)
    await asyncio.wait((ended, counts), return_when=asyncio.FIRST_COMPLETED)
    if not counts.done():
        counts.cancel()
        raise EndedEarly(f"the program that is measured {ending(ended.result())}; its log is with the others")
    return counts.result()

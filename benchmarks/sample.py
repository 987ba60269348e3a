"""What one contender did in one round."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
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
    return await sampled_together(model, [process], window)


async def sampled_together(model: ModelHandle, processes: Sequence[ChildProcess], window: Window) -> Sample:
    """Measure processes that share the work as if they were one.

    Raises:
        EndedEarly: One of them ended before that.
        TimeoutError: It took minutes.
    """
    print("     process", *(process.pid for process in processes), flush=True)
    ends = [asyncio.ensure_future(process.wait()) for process in processes]
    try:
        before = await _unless(ends, model.reached(window.begin))
        began_at, cpu_before = time.monotonic(), _used(processes)
        after = await _unless(ends, model.reached(window.end))
        ended_at, cpu_after = time.monotonic(), _used(processes)
    finally:
        for end in ends:
            end.cancel()
    return Sample(after.answered - before.answered, ended_at - began_at, cpu_after - cpu_before)


def _used(processes: Sequence[ChildProcess]) -> float:
    return sum(cpu_seconds(process.pid) for process in processes)


async def _unless(ends: Sequence[asyncio.Future[int]], reached: Coroutine[Any, Any, Counts]) -> Counts:
    counts = asyncio.ensure_future(reached)
    either: list[asyncio.Future[Any]] = [*ends, counts]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not counts.done():
        counts.cancel()
        [status, *_] = [end.result() for end in ends if end.done()]
        raise EndedEarly(f"the program that is measured {ending(status)}; its log is with the others")
    return counts.result()


async def sampled_while(work: Coroutine[Any, Any, None], pid: int, items: int) -> Sample:
    """Measure the process while the work, which is so many items for it, is done."""
    print(f"     process {pid}", flush=True)
    began_at, cpu_before = time.monotonic(), cpu_seconds(pid)
    await work
    return Sample(items, time.monotonic() - began_at, cpu_seconds(pid) - cpu_before)

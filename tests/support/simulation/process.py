"""Event loops that nothing but the test moves: one for each simulated process, with one clock for all."""

import asyncio
import selectors
from collections.abc import Coroutine, Sequence
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

_MOST_STEPS = 200_000


class Clock:
    """Seconds that pass only when the test says so; `wall` is what processes take for Unix time."""

    # Some instant: the same in every run, so that a failing one can be played again.
    _BEGAN_AT = 1_800_000_000.0

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return self._BEGAN_AT + self.seconds


class _Nothing(selectors.SelectSelector):
    """No socket is watched: whatever a simulated process waits for is a timer or another process's doing."""

    def select(self, timeout: float | None = None) -> list[Any]:  # noqa: ARG002 - the base's signature
        return []


class ProcessLoop(asyncio.SelectorEventLoop):
    """The event loop of one simulated process, run one round at a time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_Nothing())
        self._the_clock = clock
        self.unfinished: set[asyncio.Task[Any]] = set()
        self.set_task_factory(self._noted)

    def time(self) -> float:
        return self._the_clock.seconds

    @property
    def next_timer(self) -> float | None:
        """When the earliest timer is due."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # a heap
        if timers and not timers[0].cancelled():
            return timers[0].when()
        return min((timer.when() for timer in timers if not timer.cancelled()), default=None)

    @property
    def is_busy(self) -> bool:
        """Whether something can be run before time passes."""
        if self._ready:  # type: ignore[attr-defined]  # told by nothing public
            return True
        due = self.next_timer
        return due is not None and due <= self.time()

    def _noted(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
        started = asyncio.Task(work, loop=loop, **options)
        self.unfinished.add(started)
        started.add_done_callback(self.unfinished.discard)
        return started

    def step(self) -> None:
        """Run everything that is ready, once."""
        self.call_soon(self.stop)
        self.run_forever()


class Process:
    """Something that runs in a loop of its own. A halted one is as SIGSTOP leaves it, a dead one never runs again."""

    def __init__(self, clock: Clock) -> None:
        self.loop = ProcessLoop(clock)
        self.halted = False
        self.dead = False

    @property
    def runs(self) -> bool:
        return not (self.halted or self.dead)

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        return self.loop.create_task(work)

    def bury(self, clock: Clock) -> None:
        """Unwind what is left of it, and close its loop. Its links must let nothing through by then."""
        for _ in range(_MOST_STEPS):
            if not self.loop.unfinished:
                break
            if not self.loop.is_busy:
                for unfinished in self.loop.unfinished:
                    unfinished.cancel()
                clock.seconds = max(clock.seconds, self.loop.next_timer or 0.0)
            self.loop.step()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


class Processes:
    """Steps processes against each other, in an order that `seed` decides, and lets time pass for all of them."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self._rng = Random(seed)
        self._processes: list[Process] = []

    @property
    def running(self) -> Sequence[Process]:
        return [process for process in self._processes if process.runs]

    def add(self, process: Process) -> None:
        self._processes.append(process)

    def settle(self) -> None:
        """Run until nothing can happen before time passes."""
        for _ in range(_MOST_STEPS):
            busy = [process for process in self._processes if process.runs and process.loop.is_busy]
            if not busy:
                return
            self._rng.choice(busy).loop.step()
        raise AssertionError("the processes never come to rest")

    def advance(self, seconds: float) -> None:
        """Let time pass, each timer at its time."""
        until = self.clock.seconds + seconds
        while True:
            self.settle()
            timers = [process.loop.next_timer for process in self.running]
            due = min((timer for timer in timers if timer is not None), default=until)
            if due >= until:
                self.clock.seconds = until
                self.settle()
                return
            self.clock.seconds = max(due, self.clock.seconds)

    def complete(self, process: Process, work: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine of a process to its end, and nothing else of any."""
        running = process.start(work)
        for _ in range(_MOST_STEPS):
            if running.done():
                return running.result()
            process.loop.step()
        raise AssertionError("it never ends")

    def close(self) -> None:
        for process in self._processes:
            process.bury(self.clock)

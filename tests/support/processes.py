"""Real processes under test: started, waited for, signalled, frozen, and always ended."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psutil  # type: ignore[import-untyped]  # ships no type information
import pytest

from cli.stack.child import Child, ChildProcess
from cli.stack.errors import StackError

LIVE_PROCESSES = pytest.StashKey[list["LiveProcess"]]()
"""On a test's item: its processes, whose logs are shown when it fails."""

_TAIL_LINES = 80


class LiveProcess:
    """One program that a test runs, ends, freezes and runs again.

    Args:
        child: What to run; its log collects the output of every run.
    """

    def __init__(self, child: Child) -> None:
        self.child = child
        self._process: ChildProcess | None = None

    @property
    def name(self) -> str:
        return self.child.name

    @property
    def pid(self) -> int:
        """Id of the running process, or of the last one."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    async def start(self) -> None:
        """Run the program and wait until it is ready.

        Raises:
            AssertionError: It ended, or was not ready in time; the end of its log is told.
        """
        try:
            self._process = await ChildProcess.start(self.child)
            await self._process.wait_ready()
        except StackError as error:
            raise AssertionError(f"{error}\n{self.log_tail()}") from error

    def terminate(self) -> None:
        """Ask it to end, by SIGTERM."""
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    async def kill(self) -> None:
        """End it by SIGKILL and wait until it is gone. Nothing happens if it has ended."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end and wait; after its time to stop it is killed."""
        if self._process is not None:
            await self._process.stop()

    def freeze(self) -> None:
        """Halt it by SIGSTOP: its connections stay open and nothing answers on them."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        os.kill(self.pid, signal.SIGCONT)

    async def exit_status(self, *, deadline: float = 60.0) -> int:
        """Wait for its end and return its exit status, negative for a signal.

        Raises:
            AssertionError: It was still running at the deadline, in seconds.
        """
        assert self._process is not None, f"{self.name} was never started"
        try:
            async with asyncio.timeout(deadline):
                return await self._process.wait()
        except TimeoutError:
            raise AssertionError(f"{self.name} still runs after {deadline:g} s\n{self.log_tail()}") from None

    def resident_bytes(self) -> int:
        """Return the memory it holds now."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def is_running(self) -> bool:
        """Tell whether its process exists and has not ended."""
        return bool(psutil.pid_exists(self.pid))

    def is_frozen(self) -> bool:
        """Tell whether it is halted."""
        return bool(psutil.Process(self.pid).status() == psutil.STATUS_STOPPED)

    def log(self) -> str:
        """Return everything it has written so far."""
        return self.child.log.read_text("utf-8", errors="replace") if self.child.log.exists() else ""

    def log_tail(self) -> str:
        """Return the last lines it has written, under a heading."""
        lines = deque(self.log().splitlines(), maxlen=_TAIL_LINES)
        return "\n".join([f"--- the end of {self.name}'s log", *lines])


class Processes:
    """The processes of one test. Whatever still runs at its end is killed, the newest first."""

    def __init__(self, ends: AsyncExitStack, started: list[LiveProcess]) -> None:
        self._ends = ends
        self._started = started

    async def start(self, child: Child) -> LiveProcess:
        """Run a program and wait until it is ready.

        Raises:
            AssertionError: It ended, or was not ready in time; the end of its log is told.
        """
        process = LiveProcess(child)
        self._started.append(process)
        self._ends.push_async_callback(process.kill)
        await process.start()
        return process


@asynccontextmanager
async def running_processes(started: list[LiveProcess] | None = None) -> AsyncIterator[Processes]:
    """Yield what starts processes; all of them have ended when the context is left.

    Args:
        started: Gets every process that is started, for whoever shows their logs.
    """
    async with AsyncExitStack() as ends:
        yield Processes(ends, [] if started is None else started)

import asyncio
import os
import platform
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from cli.stack import die_with_parent
from cli.stack.concurrency import all_done
from cli.stack.errors import StackError
from cli.stack.whole_file import make_folder

_ROTATE_BYTES = 64 << 20
_PROBE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Child:
    """What to launch, as data: everything that a first start and a replacement have in common.

    `argv[0]` is an absolute path. `env` is the whole environment. `ready` answers whether the process can be used
    now and raises nothing; it may be called many times. `start_seconds` bounds the way to the first yes,
    `stop_seconds` the way from SIGTERM to the end.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    ready: Callable[[], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    start_seconds: float = 120
    stop_seconds: float = 10


class ChildProcess:
    """One running process of a `Child`, in a session of its own so that a terminal's Ctrl-C does not reach it."""

    def __init__(self, child: Child, process: asyncio.subprocess.Process) -> None:
        self.child = child
        self._process = process

    @classmethod
    async def start(cls, child: Child) -> Self:
        """Launch the child, its output appended to its log. Raises StackError when the program cannot be run."""
        try:
            _rotate(child.log)
            with opened_log(child.log) as output:
                process = await asyncio.create_subprocess_exec(
                    *_tied_to_this_process(child.argv),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=child.env,
                    start_new_session=True,
                )
        except OSError as error:
            raise StackError(f"{child.name} cannot be started: {error}", log=child.log) from error
        return cls(child, process)

    @property
    def pid(self) -> int:
        """The process id, which is also that of its session."""
        return self._process.pid

    async def wait(self) -> int:
        """Return the exit status when the process has ended; negative for a signal."""
        return await self._process.wait()

    async def wait_ready(self) -> None:
        """Return when the child can be used.

        Raises StackError when it ends first, or is not ready within its `start_seconds`.
        """
        ended = asyncio.ensure_future(self.wait())
        try:
            async with asyncio.timeout(self.child.start_seconds):
                while not await self._ready_or_ended(ended):
                    await asyncio.wait([ended], timeout=_PROBE_SECONDS)
        except TimeoutError:
            raise StackError(
                f"{self.child.name} was not ready within {self.child.start_seconds:g} s", log=self.child.log
            ) from None
        finally:
            ended.cancel()

    async def _ready_or_ended(self, ended: asyncio.Future[int]) -> bool:
        if ended.done():
            raise StackError(f"{self.child.name} {ending(ended.result())} before it was ready", log=self.child.log)
        return await self.child.ready()

    async def stop(self) -> None:
        """Ask the process to end, wait, and end it by force when its `stop_seconds` are over."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(self.child.stop_seconds):
                await self.wait()
        except TimeoutError:
            self.kill()
            await self.wait()

    def kill(self) -> None:
        """End the process and what it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def opened_log(log: Path) -> BinaryIO:
    """Open a log to append to it, its folder made if need be. Raises StackError."""
    make_folder(log.parent)
    try:
        return log.open("ab")
    except OSError as error:
        raise StackError(
            f"the log {log} cannot be written: {error.strerror}; mend that, or choose another --data-dir"
        ) from error


def ending(status: int) -> str:
    """Say how a process ended: 'ended with status 1' or 'was ended by SIGKILL'."""
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"


@asynccontextmanager
async def running(children: Sequence[Child]) -> AsyncIterator[list[ChildProcess]]:
    """Start children together, yield their processes when all are ready, stop them at the end.

    Nothing restarts one that ends. Raises the StackError of the first that cannot start.
    """
    processes: list[ChildProcess] = []
    try:
        for child in children:
            processes.append(await ChildProcess.start(child))  # noqa: PERF401 (those started must be stopped)
        await all_done(*(process.wait_ready() for process in processes))
        yield processes
    finally:
        await asyncio.gather(*(process.stop() for process in processes))


def _tied_to_this_process(argv: tuple[str, ...]) -> tuple[str, ...]:
    if platform.system() != "Linux":
        return argv
    return (sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *argv)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _ROTATE_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))

import asyncio
import time
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

from cli.stack.backoff import Backoff
from cli.stack.child import Child, ChildProcess, ending
from cli.stack.concurrency import done_before
from cli.stack.errors import StackError
from cli.stack.pid_file import PidFile

Say = Callable[[str], None]


class Stage(IntEnum):
    """When a child is stopped: the higher one first, as it needs the lower ones to finish its work."""

    KAFKA = 0
    VALKEY = 1
    MODEL = 2
    SERVICES = 3


class SupervisedChild:
    """A child that is started again whenever it ends, until it is stopped.

    `say` takes a line for people; `replaced` is called when a process has taken the place of one that ended.
    """

    def __init__(self, child: Child, pid_file: PidFile, say: Say, replaced: Callable[[], None]) -> None:
        self.child = child
        self._pid_file = pid_file
        self._say = say
        self._replaced = replaced
        self._backoff = Backoff()
        self._stopping = asyncio.Event()
        self._process: ChildProcess | None = None
        self._launched_at = 0.0

    @property
    def pid(self) -> int:
        """The id of the process that runs now, or ran last. Raises LookupError before the first."""
        if self._process is None:
            raise LookupError(f"{self.child.name} was never started")
        return self._process.pid

    async def start(self) -> None:
        """Start the first process and wait until it is ready. Raises StackError when it does not get so far."""
        await (await self._launch()).wait_ready()

    async def keep_running(self) -> None:
        """Replace each process that ends, whatever its status; returns after `stop` was called."""
        while (process := self._process) is not None and await done_before(self._stopping, process.wait()):
            await self._replace(process)

    async def stop(self) -> None:
        """End the process within the child's `stop_seconds`; nothing replaces it."""
        self._stopping.set()
        if self._process is not None:
            await self._process.stop()
        self._pid_file.remove()

    def kill(self) -> None:
        """End the process at once; nothing replaces it."""
        self._stopping.set()
        if self._process is not None:
            self._process.kill()

    async def _replace(self, ended: ChildProcess) -> None:
        seconds = self._backoff.after(time.monotonic() - self._launched_at)
        self._say(
            f"{self.child.name} (process {ended.pid}) {ending(await ended.wait())}, "
            f"starting it again in {seconds:g} s; see {self.child.log}"
        )
        if await done_before(self._stopping, asyncio.sleep(seconds)):
            try:
                process = await self._launch()
                self._replaced()
                if await done_before(self._stopping, process.wait_ready()):
                    self._say(f"{self.child.name} is back (process {process.pid})")
            except StackError as error:
                self._say(str(error))

    async def _launch(self) -> ChildProcess:
        self._launched_at = time.monotonic()
        self._process = process = await ChildProcess.start(self.child)
        self._pid_file.write(process.pid)
        return process


class Supervisor:
    """Keeps children running, and stops them in the order of their stages."""

    def __init__(self, pids: Path, say: Say, replaced: Callable[[], None]) -> None:
        self._pids = pids
        self._say = say
        self._replaced = replaced
        self._children: list[tuple[Stage, SupervisedChild]] = []

    def add(self, stage: Stage, child: Child) -> SupervisedChild:
        """Take a child into care, before it is started."""
        pid_file = PidFile.of(self._pids, child.name)
        supervised = SupervisedChild(child, pid_file, self._say, self._replaced)
        self._children.append((stage, supervised))
        return supervised

    async def keep_running_until(self, stop: asyncio.Event) -> None:
        """Replace children that end until `stop`, then stop them all; those of a lower stage are kept till theirs."""
        async with asyncio.TaskGroup() as keeping:
            for _, child in self._children:
                keeping.create_task(child.keep_running())
            await stop.wait()
            await self.stop()

    async def stop(self) -> None:
        """Stop every child, stage by stage."""
        for stage in sorted(Stage, reverse=True):
            await asyncio.gather(*(child.stop() for its_stage, child in self._children if its_stage is stage))

    def kill(self) -> None:
        """End every child at once."""
        for _, child in self._children:
            child.kill()

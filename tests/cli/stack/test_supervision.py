import asyncio
import contextlib
import dataclasses
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.stack.errors import StackError
from cli.stack.pid_file import PidFile
from cli.stack.ports import Ports
from cli.stack.supervision import Stage, SupervisedChild, Supervisor
from tests.cli.stack.small_child import journal, small_child
from tests.support.servers import free_ports
from tests.support.waiting import until


class Watch:
    """What a supervisor told while a test ran it."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self.folder = folder
        self.ports = ports
        self.said: list[str] = []
        self.replacements = 0
        self.stop = asyncio.Event()
        self.supervisor = Supervisor(folder / "pids", self.said.append, self._count)

    def _count(self) -> None:
        self.replacements += 1

    async def add(self, name: str = "small", stage: Stage = Stage.SERVICES) -> SupervisedChild:
        child = self.supervisor.add(stage, small_child(self.folder, self.ports.free(), name))
        await child.start()
        return child

    @contextlib.asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.supervisor.keep_running_until(self.stop))
            yield
            self.stop.set()


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    async with free_ports() as ports:
        watch = Watch(tmp_path, ports)
        try:
            yield watch
        finally:
            watch.supervisor.kill()
            await watch.supervisor.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_child_that_ends_is_reported_and_replaced(watch: Watch, number: signal.Signals) -> None:
    child = await watch.add()
    before = child.pid
    async with watch.keeping():
        os.kill(before, number)
        await until(lambda: watch.said[-1:] == [f"small is back (process {child.pid})"])
        assert child.pid != before
        assert await child.child.ready()
        assert watch.replacements == 1
        assert PidFile.of(watch.folder / "pids", "small").running_pid() == child.pid
    how = "was ended by SIGKILL" if number == signal.SIGKILL else "ended with status 0"
    assert watch.said[0] == f"small (process {before}) {how}, starting it again in 0.5 s; see {child.child.log}"


async def test_a_child_that_ended_before_anyone_kept_it_is_replaced_too(watch: Watch) -> None:
    child = await watch.add()
    os.kill(child.pid, signal.SIGKILL)
    async with watch.keeping():
        await until(lambda: watch.replacements == 1)


async def test_a_child_that_ends_again_is_given_longer(watch: Watch) -> None:
    child = await watch.add()
    async with watch.keeping():
        for count in (1, 2):
            os.kill(child.pid, signal.SIGKILL)
            await until(lambda: watch.replacements == count)  # noqa: B023 (awaited in the same turn)
    waits = [line.partition(" again in ")[2].partition(" s;")[0] for line in watch.said if " again in " in line]
    assert waits == ["0.5", "1"]


async def test_a_program_that_vanished_is_reported_and_tried_again(watch: Watch, tmp_path: Path) -> None:
    child = watch.supervisor.add(Stage.SERVICES, small_child(tmp_path, watch.ports.free()))
    await child.start()
    whole = child.child
    child.child = dataclasses.replace(whole, argv=("/nonexistent/program",))
    async with watch.keeping():
        os.kill(child.pid, signal.SIGKILL)
        await until(lambda: sum("starting it again" in line for line in watch.said) == 2)
        child.child = whole
        await until(lambda: watch.said[-1:] == [f"small is back (process {child.pid})"])


async def test_children_are_stopped_in_the_order_of_their_need(watch: Watch) -> None:
    for stage in Stage:
        await watch.add(stage.name, stage)
    async with watch.keeping():
        pass
    ends = [line for line in journal(watch.folder) if line.endswith("asked to end")]
    assert ends == [f"{name} asked to end" for name in ("SERVICES", "MODEL", "VALKEY", "KAFKA")]
    assert list((watch.folder / "pids").iterdir()) == []


async def test_a_stop_during_the_wait_for_a_replacement_starts_none(watch: Watch) -> None:
    child = await watch.add()
    async with watch.keeping():
        os.kill(child.pid, signal.SIGKILL)
        await until(lambda: watch.said)
    assert watch.replacements == 0
    assert journal(watch.folder) == ["small begun"]


async def test_killing_ends_a_drain_at_once(watch: Watch) -> None:
    child = await watch.add()
    os.kill(child.pid, signal.SIGSTOP)  # it will not even hear SIGTERM
    async with asyncio.TaskGroup() as group:
        stopping = group.create_task(watch.supervisor.stop())
        await until(child._stopping.is_set)
        assert not stopping.done()
        watch.supervisor.kill()


async def test_a_child_that_cannot_start_is_an_error_and_nothing_is_left_of_it(watch: Watch) -> None:
    broken = dataclasses.replace(small_child(watch.folder, 0), argv=("/bin/false",))
    child = watch.supervisor.add(Stage.SERVICES, broken)
    with pytest.raises(StackError, match="small ended with status 1 before it was ready"):
        await child.start()
    await watch.supervisor.stop()
    assert list((watch.folder / "pids").iterdir()) == []


async def test_a_child_that_was_never_started_has_no_process(watch: Watch) -> None:
    child = watch.supervisor.add(Stage.KAFKA, small_child(watch.folder, 1))
    with pytest.raises(LookupError, match="small was never started"):
        _ = child.pid
    await watch.supervisor.stop()

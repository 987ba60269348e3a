import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no type information
import pytest

from cli.stack import die_with_parent
from cli.stack.child import Child, ChildProcess, running
from cli.stack.errors import StackError
from cli.stack.pid_file import started_at
from cli.stack.probes import http_ok
from tests.cli.stack.small_child import journal, small_child
from tests.support.servers import free_ports
from tests.support.waiting import until


async def _never() -> bool:
    return False


def _program(folder: Path, program: str) -> Child:
    return Child(name="odd", argv=(sys.executable, "-c", program), log=folder / "odd.log", ready=_never)


async def test_children_are_ready_inside_and_gone_outside(tmp_path: Path) -> None:
    async with free_ports() as ports:
        first, second = ports.free(), ports.free()
        children = [small_child(tmp_path, first, "first"), small_child(tmp_path, second, "second")]
        async with running(children):
            assert await http_ok(first, "/")
            assert await http_ok(second, "/")
        assert not await http_ok(first, "/")
        assert sorted(journal(tmp_path)) == ["first asked to end", "first begun", "second asked to end", "second begun"]


async def test_output_goes_to_the_log_and_is_added_to_what_is_there(tmp_path: Path) -> None:
    async with free_ports() as ports:
        child = small_child(tmp_path, ports.free())
        for _ in range(2):
            async with running([child]):
                pass
    assert child.log.read_text("utf-8").count("small says hello") == 2


async def test_a_child_that_ends_before_it_is_ready_is_an_error_that_names_the_log(tmp_path: Path) -> None:
    child = _program(tmp_path, "raise SystemExit(3)")
    with pytest.raises(StackError, match=r"^odd ended with status 3 before it was ready; see .*odd\.log$"):
        async with running([child]):
            pass


async def test_a_child_that_is_never_ready_is_an_error_and_is_ended(tmp_path: Path) -> None:
    child = dataclasses.replace(_program(tmp_path, "import signal; signal.pause()"), start_seconds=0.2)
    process = await ChildProcess.start(child)
    with pytest.raises(StackError, match=r"odd was not ready within 0\.2 s"):
        await process.wait_ready()
    await process.stop()
    assert await process.wait() == -signal.SIGTERM


async def test_where_one_cannot_start_the_others_are_ended(tmp_path: Path) -> None:
    async with free_ports() as ports:
        good = small_child(tmp_path, ports.free())
        with pytest.raises(StackError, match="odd ended with status 3"):
            async with running([good, _program(tmp_path, "raise SystemExit(3)")]):
                pass
        assert not await http_ok(int(good.argv[2]), "/")


async def test_a_program_that_does_not_exist_is_an_error_in_words(tmp_path: Path) -> None:
    child = Child(name="odd", argv=(str(tmp_path / "missing"),), log=tmp_path / "odd.log", ready=_never)
    with pytest.raises(StackError, match="odd ended with status 1 before"):
        async with running([child]):
            pass


async def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    program = "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    child = dataclasses.replace(_program(tmp_path, program), stop_seconds=0.2)
    process = await ChildProcess.start(child)
    await until(lambda: "deaf" in child.log.read_text("utf-8"))
    await process.stop()
    assert await process.wait() == -signal.SIGKILL


async def test_a_child_is_alone_in_its_session(tmp_path: Path) -> None:
    async with free_ports() as ports, running([small_child(tmp_path, ports.free())]) as (process,):
        assert os.getsid(process.pid) == process.pid != os.getsid(0)


async def test_a_child_shows_its_own_command_line(tmp_path: Path) -> None:
    async with free_ports() as ports:
        child = small_child(tmp_path, ports.free())
        async with running([child]) as (process,):
            shown = psutil.Process(process.pid).cmdline()
    assert shown == list(child.argv)


async def test_a_log_that_has_grown_large_is_put_aside(tmp_path: Path) -> None:
    async with free_ports() as ports:
        child = small_child(tmp_path, ports.free())
        child.log.parent.mkdir()
        with child.log.open("wb") as log:
            log.truncate(65 << 20)
        async with running([child]):
            assert child.log.stat().st_size < 1000
    assert child.log.with_name("small.log.1").stat().st_size == 65 << 20


async def test_a_child_ends_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    async with free_ports() as ports:
        child = small_child(tmp_path, ports.free())
        parent_program = (
            "import os, subprocess, sys, signal\n"
            "subprocess.Popen([sys.executable, sys.argv[1], str(os.getpid()), *sys.argv[2:]])\n"
            "signal.pause()\n"
        )
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", parent_program, die_with_parent.__file__, *child.argv, start_new_session=True
        )
        await until(child.ready)
        parent.kill()
        await parent.wait()
        await until(lambda: "small asked to end" in journal(tmp_path))


def test_a_program_whose_parent_is_gone_already_does_not_start() -> None:
    ended = subprocess.run(
        [sys.executable, die_with_parent.__file__, "1", "/bin/true"], capture_output=True, check=False, text=True
    )
    assert ended.returncode != 0
    assert "the parent ended first" in ended.stderr
    assert started_at(os.getpid())

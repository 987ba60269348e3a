import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from cli.stack.child import Child
from tests.support.processes import LiveProcess, Processes, running_processes
from tests.support.servers import free_ports, own_kafka, own_valkey
from tests.support.waiting import until

_SAYS_READY = "import signal, sys; print('ready', flush=True); signal.pause()"


def python(code: str, folder: Path, *, start_seconds: float = 60) -> Child:
    log = folder / "child.log"

    async def ready() -> bool:
        return "ready" in log.read_text()

    return Child(
        name="child",
        argv=(sys.executable, "-c", code),
        log=log,
        ready=ready,
        env={"PATH": os.environ["PATH"]},
        start_seconds=start_seconds,
    )


async def test_a_process_is_ready_when_its_start_returns_and_tells_how_it_ended(
    processes: Processes, tmp_path: Path
) -> None:
    process = await processes.start(python(_SAYS_READY, tmp_path))
    assert process.log() == "ready\n"
    assert process.resident_bytes() > 1_000_000
    process.terminate()
    assert await process.exit_status() == -signal.SIGTERM


async def test_a_process_that_cannot_start_shows_its_log(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"ended with status 7 (.|\n)*what went wrong"):
        await processes.start(python("print('what went wrong'); raise SystemExit(7)", tmp_path))


async def test_a_process_that_is_never_ready_is_given_up_and_ended(tmp_path: Path) -> None:
    started: list[LiveProcess] = []
    async with running_processes(started) as processes:
        with pytest.raises(AssertionError, match=r"not ready within 0\.5 s(.|\n)*still busy"):
            await processes.start(
                python("import signal; print('still busy', flush=True); signal.pause()", tmp_path, start_seconds=0.5)
            )
    assert not started[0].is_running()


async def test_a_process_that_does_not_end_is_told(processes: Processes, tmp_path: Path) -> None:
    process = await processes.start(python(_SAYS_READY, tmp_path))
    with pytest.raises(AssertionError, match=r"still runs after 0\.05 s"):
        await process.exit_status(deadline=0.05)


async def test_leaving_ends_every_process_also_a_frozen_one(tmp_path: Path) -> None:
    async with running_processes() as processes:
        first = await processes.start(python(_SAYS_READY, tmp_path / "1"))
        second = await processes.start(python(_SAYS_READY, tmp_path / "2"))
        second.freeze()
        await until(second.is_frozen, what="the halt")
    assert not first.is_running()
    assert not second.is_running()


async def test_a_valkey_of_ones_own_keeps_its_data_over_a_kill_and_answers_nothing_while_frozen(
    processes: Processes, tmp_path: Path
) -> None:
    async with free_ports() as ports:
        server = await own_valkey(processes, ports, tmp_path)
        async with Redis.from_url(server.address, socket_timeout=0.5) as redis:
            await redis.set("kept", "yes")
            assert await redis.waitaof(1, 0, 0) == [1, 0]
            await server.process.kill()
            with pytest.raises(RedisError):
                await redis.ping()
            await server.process.start()
            assert await redis.get("kept") == b"yes"
            server.process.freeze()
            with pytest.raises(RedisError):
                await redis.ping()
            server.process.thaw()
            assert await until(redis.ping, ignoring=(RedisError,))


async def test_a_kafka_of_ones_own_stops_and_starts_at_the_same_address(processes: Processes, tmp_path: Path) -> None:
    async with free_ports() as ports:
        server = await own_kafka(processes, ports, tmp_path)
        before = server.process.pid
        await server.process.stop()
        assert await server.process.exit_status() in {0, 143}
        await server.process.start()
        assert server.process.pid != before


def test_a_failed_test_shows_the_log_of_its_processes(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "pytest.toml").write_text('[pytest]\nasyncio_mode = "auto"\n')
    (tmp_path / "test_it.py").write_text(
        "from tests.support_tests.test_processes import _SAYS_READY, python\n"
        "async def test_it(processes, tmp_path):\n"
        "    await processes.start(python(_SAYS_READY, tmp_path))\n"
        "    assert False\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_it.py")],
        cwd=Path(__file__).parents[2],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout + run.stderr
    assert "log of child" in run.stdout
    assert "ready" in run.stdout.partition("log of child")[2]

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil  # type: ignore[import-untyped]  # ships no type information
import pytest

from cli.stack.child import Child, running
from cli.stack.probes import http_ok
from tests.cli.running import run_command
from tests.cli.stack.running_up import Up, all_pids
from tests.support.api import Api
from tests.support.fake_model import FakeModel
from tests.support.servers import free_ports
from tests.support.waiting import until

SLOW = 120.0


@asynccontextmanager
async def _started(up: Up) -> AsyncIterator[Api]:
    """Run it until the body ends, and ask its API."""
    await up.process.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Api(up.stack["api"], session)
    finally:
        await up.process.stop()


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


async def _kill_all(up: Up) -> None:
    """Kill every child and wait until each is replaced."""
    before = all_pids(up.stack)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: up.backs() >= {"api", "worker-1", "worker-2", "kafka-1", "valkey"}, deadline=SLOW)
    assert not set(before) & set(all_pids(up.stack))


async def test_everything_is_up_comes_back_when_killed_keeps_its_data_and_leaves_nothing(
    tmp_path: Path, fake_model: FakeModel
) -> None:
    up = Up(
        tmp_path,
        *("--ephemeral", "--llm-base-url", fake_model.base_url, "--concurrency", "3", "--json"),
        PROMPTMILL_API__MAX_PROMPTS_PER_REQUEST="2",
    )
    async with _started(up) as api:
        stack = up.stack
        assert list(stack) == ["api", "operations", "kafka", "redis", "llm", "pids"]
        assert stack["llm"] == fake_model.base_url
        # Said just after stack.json is there.
        await until(lambda: f"PROMPTMILL_API_URL={stack['api']} " in up.said())
        said = await until(lambda: [line for line in up.said().splitlines() if line.startswith("{")])
        assert [json.loads(line) for line in said] == [{name: stack[name] for name in stack if name != "pids"}]
        assert stack["pids"]["llm"] is None
        assert [len(stack["pids"][kind]) for kind in ("api", "workers", "kafka")] == [1, 2, 1]
        assert sorted(all_pids(stack)) == sorted(up.running_pids())
        assert len(stack["operations"]) == 3
        for url in stack["operations"]:
            assert await http_ok(_port(url), "/readyz")

        # Its environment's settings reach the services.
        assert (await api.try_submit(["a", "b", "c"])).status == 400
        (finished,) = await api.submit(["before the end of the world"])
        await api.wait_until_completed([finished])

        await _kill_all(up)
        (entry,) = await api.tasks([finished])
        assert entry["status"] == "completed"
        await api.wait_until_completed(await api.submit(["after it"]), deadline=SLOW)

        up.process.terminate()
        assert await up.process.exit_status() == 0
    assert not any(psutil.pid_exists(pid) for pid in all_pids(stack))
    assert not up.data_dir.exists()


async def test_an_interrupt_lets_calls_end_and_the_next_start_finds_their_results(
    tmp_path: Path, fake_model: FakeModel
) -> None:
    up = Up(tmp_path, "--llm-base-url", fake_model.base_url, "--workers", "1")
    await fake_model.hold()
    async with _started(up) as api:
        (task_id,) = await api.submit(["slow"])
        await fake_model.wait_for_in_flight(1)

        # A second stack on the same folder is refused, and the first goes on.
        second = Up(tmp_path, "--no-llm")
        refused = await asyncio.create_subprocess_exec(
            *second.child.argv, env=second.child.env, stderr=asyncio.subprocess.PIPE
        )
        _, complaint = await refused.communicate()
        assert refused.returncode == 1
        assert complaint.decode().startswith("promptmill up: another promptmill up (process ")
        assert complaint.count(b"\n") == 1

        os.kill(up.process.pid, signal.SIGINT)
        await until(lambda: "stopping: " in up.said())
        await fake_model.release_all()
        assert await up.process.exit_status() == 130
        assert up.running_pids() == []
        assert not await up.is_ready()
    async with _started(up) as api:
        (entry,) = await api.tasks([task_id])
        assert entry["status"] == "completed"

        # Even when it is killed itself, nothing goes on without it.
        left = all_pids(up.stack)
        await up.process.kill()
        await until(lambda: not any(psutil.pid_exists(pid) for pid in left))
    assert (await fake_model.calls_by_prompt())["slow"] == 1


async def _submit_persistently(api: Api, prompts: list[str]) -> list[str]:
    """Submit, and again what was not written: on a busy machine another broker may lead too late for a request."""
    task_ids: list[str] = []
    while prompts:
        answer = await api.try_submit(prompts)
        assert answer.status in {202, 503}, answer
        entries = answer.body["tasks"] if answer.status == 202 else [{"task_id": None}] * len(prompts)
        task_ids += [entry["task_id"] for entry in entries if entry["task_id"] is not None]
        prompts = [prompt for prompt, entry in zip(prompts, entries, strict=True) if entry["task_id"] is None]
    return task_ids


async def test_three_brokers_go_on_without_one(tmp_path: Path, fake_model: FakeModel) -> None:
    up = Up(tmp_path, "--brokers", "3", "--workers", "1", "--llm-base-url", fake_model.base_url)
    async with _started(up) as api:
        stack = up.stack
        assert len(stack["pids"]["kafka"]) == len(stack["kafka"].split(",")) == 3
        await api.wait_until_completed(await api.submit(["a", "b", "c"]), deadline=SLOW)
        os.kill(stack["pids"]["kafka"][0], signal.SIGKILL)
        await until(lambda: "kafka-1 (process " in up.said())
        await api.wait_until_completed(await _submit_persistently(api, ["d", "e", "f"]), deadline=SLOW)
        await until(lambda: "kafka-1" in up.backs(), deadline=SLOW)
        os.kill(up.process.pid, signal.SIGINT)
        assert await up.process.exit_status() == 130
    assert up.running_pids() == []


async def test_worker_env_makes_a_further_worker_and_a_second_interrupt_waits_for_no_call(
    tmp_path: Path, fake_model: FakeModel
) -> None:
    up = Up(tmp_path, "--llm-base-url", fake_model.base_url, "--workers", "1", "--concurrency", "1")
    async with _started(up) as api, free_ports() as ports:
        port = ports.free()
        sourced = 'set -a; . "$0"; set +a; PROMPTMILL_WORKER__OPERATIONS_PORT="$1" exec "$2" -P -m consumer'
        file = up.data_dir / "worker.env"

        async def ready() -> bool:
            return await http_ok(port, "/readyz")

        further = Child(
            name="further",
            argv=("/bin/sh", "-c", sourced, str(file), str(port), sys.executable),
            log=tmp_path / "further.log",
            ready=ready,
            env={name: value for name, value in up.child.env.items() if not name.startswith("PROMPTMILL_")},
        )
        await fake_model.hold()
        async with running([further]):
            ids = await api.submit(["first", "second"])
            await fake_model.wait_for_in_flight(2)
            await fake_model.release_all()
            await api.wait_until_completed(ids)

        await fake_model.hold()
        await api.submit(["endless"])
        await fake_model.wait_for_in_flight(1)
        os.kill(up.process.pid, signal.SIGINT)
        await until(lambda: "stopping: " in up.said())
        os.kill(up.process.pid, signal.SIGINT)
        assert await up.process.exit_status(deadline=30) == 130
        assert up.running_pids() == []
        assert not file.exists()


async def test_an_interrupt_during_the_start_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    up = Up(tmp_path, "--no-llm")
    starting = asyncio.ensure_future(up.process.start())
    await until(up.running_pids)
    os.kill(up.process.pid, signal.SIGINT)
    with pytest.raises(AssertionError, match="ended with status 130 before it was ready"):
        await starting
    assert up.running_pids() == []
    assert "stopping: calls in flight may end; Ctrl-C (again) ends them now" in up.said().splitlines()


@pytest.mark.parametrize(
    ("options", "environment", "complaint"),
    [
        ((), {"PROMPTMILL_WORKER__DRAIN_TIMEOUT_SECONDS": "5"}, "PROMPTMILL_LLM__CALL_TIMEOUT_SECONDS (300) must be"),
        ((), {"PROMPTMILL_TASKS__MAX_ATTEMPTS": "many"}, "PROMPTMILL_TASKS__MAX_ATTEMPTS: "),
        (("--no-llm",), {"PROMPTMILL_API__MAX_PROMPTS_PER_REQUEST": "-1"}, "PROMPTMILL_API__MAX_PROMPTS_PER_REQUEST: "),
    ],
)
async def test_what_cannot_start_says_why_in_one_line(
    tmp_path: Path, options: tuple[str, ...], environment: dict[str, str], complaint: str
) -> None:
    up = Up(tmp_path, *options, **environment)
    with pytest.raises(AssertionError, match="ended with status 1 before it was ready"):
        await up.process.start()
    (line,) = up.said().splitlines()
    assert line.startswith("promptmill up: ")
    assert complaint in line


def _nothing_in(file: Path) -> None:
    file.touch()


def _nothing_known_in(file: Path) -> None:
    file.write_text("{}", "ascii")


def _a_folder_instead_of(file: Path) -> None:
    file.mkdir()


def _no_room_for(file: Path) -> None:
    file.with_name(f".{file.name}.new").symlink_to("/dev/full")


@pytest.mark.parametrize(
    ("harm", "file", "complaint"),
    [
        (_nothing_in, "kafka/cluster.json", "{file} is damaged, it should say cluster_id and brokers: restore it, "),
        (_nothing_known_in, "kafka/cluster.json", "{file} is damaged, "),
        (_nothing_in, "kafka/1", "the folder {file} cannot be made: File exists; "),
        (_no_room_for, "kafka/cluster.json", "{file} cannot be written: No space left on device; "),
        (_a_folder_instead_of, "valkey/valkey.conf", "{file} cannot be written: Is a directory; "),
        (_nothing_in, "logs", "the folder {file} cannot be made: File exists; "),
        (_a_folder_instead_of, "logs/kafka-1.log", "the log {file} cannot be written: Is a directory; "),
        (_no_room_for, "pids/valkey.pid", "{file} cannot be written: No space left on device; "),
        (_a_folder_instead_of, "pids/api.pid", "{file} cannot be read: Is a directory; "),
        (_a_folder_instead_of, "stack.json", "{file} cannot be used: Is a directory"),
    ],
)
async def test_a_file_in_the_way_is_named_in_one_line(
    tmp_path: Path, harm: Callable[[Path], None], file: str, complaint: str
) -> None:
    harmed = tmp_path / "data" / file
    harmed.parent.mkdir(parents=True)
    harm(harmed)
    run = await run_command("up", "--no-llm", "--data-dir", "data", folder=tmp_path)
    assert run.status == 1
    (line,) = run.errors.splitlines()
    assert line.startswith(f"promptmill up: {complaint.format(file=harmed)}")
    left = set((tmp_path / "data" / "pids").glob("*.pid"))
    assert left <= {harmed}


async def test_a_child_that_cannot_start_is_named_with_its_log(tmp_path: Path) -> None:
    up = Up(tmp_path, "--no-llm")
    folder = up.data_dir / "valkey"
    folder.mkdir(parents=True)
    (folder / "appendonlydir").touch()  # where Valkey wants a folder
    with pytest.raises(AssertionError, match="ended with status 1 before it was ready"):
        await up.process.start()
    last = up.said().splitlines()[-1]
    assert last.startswith("promptmill up: valkey ended with status 1 before it was ready")
    assert last.endswith(f"see {up.data_dir / 'logs' / 'valkey.log'}")
    assert "Traceback" not in up.said()
    assert up.running_pids() == []

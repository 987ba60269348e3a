"""`python -m consumer` as an operator sees it: its start, its probes, its errors, its end."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiokafka.admin import NewPartitions, NewTopic

from cli.stack.child import Child
from cli.stack.ports import Ports
from common.connections import create_admin
from common.settings import KafkaSettings, RedisSettings
from common.topics import TopicNames
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.processes import LiveProcess, Processes
from tests.support.servers import free_ports, own_kafka, own_valkey
from tests.support.waiting import until


@pytest.fixture
async def ports() -> AsyncIterator[Ports]:
    async with free_ports() as ports:
        yield ports


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def probe(http: aiohttp.ClientSession, port: int, path: str) -> tuple[int, str]:
    async with http.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.text()


async def launch(processes: Processes, folder: Path, **settings: object) -> LiveProcess:
    """Start a worker without waiting until it is ready."""

    async def at_once() -> bool:
        return True

    # With an address of its own that needs no key; where nothing calls it, there need not be a model.
    settings = {"llm__base_url": "http://127.0.0.1:9/v1", **settings}
    variables = {f"PROMPTMILL_{name.upper()}": str(value) for name, value in settings.items()}
    child = Child(
        name="worker",
        argv=(sys.executable, "-P", "-m", "consumer"),
        log=folder / "worker.log",
        ready=at_once,
        env={
            # PYTHONPATH: a checkout that is not the installed one is tested as itself.
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            **variables,
        },
    )
    return await processes.start(child)


async def test_settings_that_cannot_be_used_are_named_each_on_a_line(processes: Processes, tmp_path: Path) -> None:
    worker = await launch(
        processes, tmp_path, worker__concurrency="many", redis__url="gopher://private", llm__call_timeout_seconds=9999
    )
    assert await worker.exit_status() == 2
    lines = worker.log().splitlines()
    assert [line.split(":")[0] for line in lines] == ["PROMPTMILL_REDIS__URL", "PROMPTMILL_WORKER__CONCURRENCY"]
    assert "private" not in worker.log()


async def test_a_worker_without_a_model_that_it_could_call_says_which_settings_it_needs(
    processes: Processes, tmp_path: Path
) -> None:
    # Empty counts as not set, and then the address is OpenAI's.
    worker = await launch(processes, tmp_path, llm__base_url="")
    assert await worker.exit_status() == 2
    assert worker.log() == (
        "PROMPTMILL_LLM__API_KEY: is not set, and OpenAI refuses every call without: set it, or OPENAI_API_KEY, or "
        "PROMPTMILL_LLM__BASE_URL to a server that needs none\n"
    )


async def test_a_taken_port_is_one_error_event(processes: Processes, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        worker = await launch(processes, tmp_path, worker__operations_port=port)
        assert await worker.exit_status() == 1
    [event] = map(orjson.loads, worker.log().splitlines())
    assert (event["event"], event["level"]) == ("cannot start", "error")
    assert event["reason"].startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert event["mend"] == "set PROMPTMILL_WORKER__OPERATIONS_PORT to a free one"


async def test_unfit_topics_are_said_once_and_waited_for_until_they_are_mended(  # noqa: PLR0917 - fixtures
    processes: Processes,
    ports: Ports,
    tmp_path: Path,
    http: aiohttp.ClientSession,
    kafka_settings: KafkaSettings,
    redis_settings: RedisSettings,
) -> None:
    admin = create_admin(kafka_settings, "test-admin")
    await admin.start()
    topic = TopicNames(kafka_settings.topic_prefix).interactive
    await admin.create_topics([NewTopic(name=topic, num_partitions=1, replication_factor=1)])
    operations_port = ports.free()
    worker = await launch(
        processes,
        tmp_path,
        kafka__bootstrap_servers=kafka_settings.bootstrap_servers,
        kafka__topic_prefix=kafka_settings.topic_prefix,
        kafka__replication_factor=1,
        kafka__min_insync_replicas=1,
        kafka__task_partitions=kafka_settings.task_partitions,
        redis__url=redis_settings.url.get_secret_value(),
        redis__key_prefix=redis_settings.key_prefix,
        worker__operations_port=operations_port,
        log__level="debug",
    )

    async def says(path: str, status: int, reason: str) -> bool:
        found, text = await probe(http, operations_port, path)
        return found == status and reason in text.splitlines()

    await until(lambda: says("/readyz", 503, "Kafka's topics are unfit"), ignoring=(aiohttp.ClientError,))
    assert await says("/livez", 200, "ok"), "nobody should restart it for that"
    await until(lambda: "topics still unfit" in worker.log(), what="another look at the topics")
    await admin.create_partitions({topic: NewPartitions(kafka_settings.task_partitions)})
    await until(lambda: says("/readyz", 200, "ok"), what="a ready worker")
    await admin.close()
    [event] = [event for event in map(orjson.loads, worker.log().splitlines()) if event["event"] == "topics unfit"]
    assert event["level"] == "error"
    assert f"{topic} has 1 partitions" in event["detail"]
    assert "PROMPTMILL_KAFKA__TASK_PARTITIONS=1" in event["detail"]
    worker.terminate()
    assert await worker.exit_status() == 0


async def test_topics_that_cannot_be_made_are_said_with_the_mend(
    processes: Processes, tmp_path: Path, kafka_settings: KafkaSettings
) -> None:
    worker = await launch(
        processes,
        tmp_path,
        kafka__bootstrap_servers=kafka_settings.bootstrap_servers,
        kafka__topic_prefix=kafka_settings.topic_prefix,
        kafka__replication_factor=3,
        worker__operations_port=0,
    )
    await until(lambda: "PROMPTMILL_KAFKA__REPLICATION_FACTOR" in worker.log())
    worker.terminate()
    assert await worker.exit_status(deadline=20) == 0


async def test_a_worker_starts_before_kafka_and_redis_and_goes_on_when_they_come(
    processes: Processes, ports: Ports, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    operations_port = ports.free()
    kafka, valkey = await own_kafka(processes, ports, tmp_path), await own_valkey(processes, ports, tmp_path)
    await asyncio.gather(kafka.process.stop(), valkey.process.stop())
    worker = await launch(
        processes,
        tmp_path,
        kafka__bootstrap_servers=kafka.address,
        kafka__replication_factor=1,
        kafka__min_insync_replicas=1,
        kafka__task_partitions=2,
        redis__url=valkey.address,
        worker__operations_port=operations_port,
    )

    async def says(path: str, expected: tuple[int, str]) -> bool:
        return await probe(http, operations_port, path) == expected

    waiting = (503, "Kafka is out of reach\nRedis does not answer\n")
    await until(lambda: says("/readyz", waiting), ignoring=(aiohttp.ClientError,), what="the waiting worker's answer")
    assert await probe(http, operations_port, "/livez") == (200, "ok\n"), "nobody should restart it for that"
    await asyncio.gather(kafka.process.start(), valkey.process.start())
    await until(lambda: says("/readyz", (200, "ok\n")), what="a ready worker")
    worker.terminate()
    assert await worker.exit_status() == 0


async def test_a_worker_that_still_waits_for_kafka_ends_at_once_when_told_to(
    processes: Processes, ports: Ports, tmp_path: Path
) -> None:
    worker = await launch(
        processes,
        tmp_path,
        kafka__bootstrap_servers=f"127.0.0.1:{ports.free()}",
        redis__url=f"redis://127.0.0.1:{ports.free()}/0",
        worker__operations_port=0,
    )
    await until(lambda: "Kafka is out of reach" in worker.log())
    worker.terminate()
    assert await worker.exit_status(deadline=20) == 0


async def test_a_workers_figures_are_there_with_their_meaning(  # noqa: PLR0917 - fixtures
    processes: Processes,
    ports: Ports,
    tmp_path: Path,
    http: aiohttp.ClientSession,
    kafka_settings: KafkaSettings,
    redis_settings: RedisSettings,
    fake_model: FakeModel,
) -> None:
    deployment = Deployment(
        processes=processes,
        ports=ports,
        session=http,
        kafka=kafka_settings,
        redis=redis_settings,
        model_url=fake_model.base_url,
        folder=tmp_path,
    )
    worker = await deployment.start_worker(concurrency=3)
    started = orjson.loads(worker.log().splitlines()[0])
    status, text = await probe(http, started["operations_port"], "/metrics")
    assert status == 200
    for name in ("promptmill_model_call_seconds", "promptmill_leases_held", "promptmill_engine_slots", "process_"):
        assert f"# HELP {name}" in text
    assert "promptmill_engine_slots 3.0" in text

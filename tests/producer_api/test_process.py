"""The process as an operator meets it: how it starts, stops and says what is wrong."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

import aiohttp
import orjson
import pytest

from cli.stack.child import Child
from cli.stack.ports import Ports
from cli.stack.probes import http_ok
from common.settings import RedisSettings
from tests.support.api import Answer, Api
from tests.support.backend import kafka_settings_for, unique_prefix
from tests.support.deployment import Deployment
from tests.support.events import following, of_tasks
from tests.support.processes import LiveProcess, Processes, running_processes
from tests.support.servers import OwnServer, free_ports, own_kafka
from tests.support.waiting import until

LARGE = "x" * 600_000
LIMITS = {
    "api__max_prompts_per_request": 1,
    "api__max_request_bytes": 900_000,
    "api__max_prompt_bytes": 900_000,
    "api__max_bytes_in_flight": 1 << 20,
}


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnServer]:
    """A Kafka that this module alone freezes and stops; each test leaves it running."""
    async with free_ports() as ports, running_processes() as processes:
        yield await own_kafka(processes, ports, tmp_path_factory.mktemp("kafka"))


class Deploy(Protocol):
    """Makes a deployment, with nothing running yet, on whatever Kafka."""

    def __call__(self, bootstrap: str) -> Deployment: ...


@pytest.fixture
def deploy(
    processes: Processes, ports: Ports, session: aiohttp.ClientSession, redis_settings: RedisSettings, tmp_path: Path
) -> Deploy:
    def deploy(bootstrap: str) -> Deployment:
        return Deployment(
            processes=processes,
            ports=ports,
            session=session,
            kafka=kafka_settings_for(bootstrap, unique_prefix()),
            redis=redis_settings,
            model_url="http://127.0.0.1:9/v1",
            folder=tmp_path,
        )

    return deploy


@pytest.fixture
def deployment(deploy: Deploy, kafka: OwnServer) -> Deployment:
    return deploy(kafka.address)


async def in_flight(session: aiohttp.ClientSession, operations_port: int) -> float:
    async with session.get(f"http://127.0.0.1:{operations_port}/metrics") as response:
        lines = (await response.text()).splitlines()
    [line] = [line for line in lines if line.startswith("promptmill_api_in_flight_records ")]
    return float(line.split()[1])


async def test_sigterm_finishes_what_is_under_way_and_exits_0(
    deployment: Deployment, kafka: OwnServer, session: aiohttp.ClientSession
) -> None:
    api = await deployment.start_api()
    [process] = deployment.apis
    operations_port = deployment._operations_ports[process.name]
    kafka.process.freeze()
    answering = asyncio.create_task(api.try_submit(["under way"]))

    async def is_in_flight() -> bool:
        return await in_flight(session, operations_port) == 1

    await until(is_in_flight, what="the record to be in flight")
    process.terminate()

    async def says_that_it_stops() -> bool:
        async with session.get(f"http://127.0.0.1:{operations_port}/readyz") as response:
            return (response.status, await response.text()) == (503, "the API is stopping\n")

    await until(says_that_it_stops)
    await until(lambda: is_refused(api), what="new connections to be refused")
    kafka.process.thaw()
    answer = await answering
    assert answer.status == 202, answer
    assert await process.exit_status(deadline=20) == 0
    assert orjson.loads(process.log().splitlines()[-1])["event"] == "stopped"


async def followers(deployment: Deployment) -> float:
    return await deployment.metric(deployment.apis[0], "promptmill_api_followers")


async def test_sigterm_ends_waits_at_once_with_the_tasks_as_they_are(
    deployment: Deployment,
) -> None:
    api = await deployment.start_api(api__max_followers=2)
    task_ids = await api.submit(["x"])
    query = f"/v1/tasks?task_ids={task_ids[0]}&wait=250"
    answering = [asyncio.create_task(api.ask("GET", query)) for _ in range(2)]

    async def all_wait() -> bool:
        return await followers(deployment) == 2

    await until(all_wait)
    refused = await api.ask("GET", query)
    assert (refused.status, refused.body["error"]["code"]) == (503, "overloaded")
    deployment.apis[0].terminate()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*answering)
    assert [(answer.status, answer.body["tasks"][0]["status"]) for answer in answers] == [(200, "queued")] * 2
    assert await deployment.apis[0].exit_status(deadline=10) == 0


async def test_sigterm_ends_streams_within_a_second_with_a_hint_to_come_back(deployment: Deployment) -> None:
    api = await deployment.start_api()
    other = await deployment.start_api()
    task_ids = await api.submit(["x", "y"])
    async with following(api, of_tasks(*task_ids)) as events:
        seen = [await events.next() for _ in task_ids]
        deployment.apis[0].terminate()
        async with asyncio.timeout(1):
            assert await events.rest() == []
        assert events.retry_ms == 1000
    assert await deployment.apis[0].exit_status(deadline=10) == 0
    async with following(other, of_tasks(*task_ids), after=seen[-1].id) as events:
        for task_id in task_ids:
            await other.ask("POST", f"/v1/tasks/{task_id}/cancel")
        assert [event.data["status"] for event in await events.rest()] == ["cancelled"] * 2


async def test_a_response_is_cancelled_at_another_api_while_kafka_does_not_answer(
    deployment: Deployment, kafka: OwnServer
) -> None:
    api, other = await deployment.start_api(), await deployment.start_api()
    created = await api.ask("POST", "/v1/responses", json={"input": "x", "background": True})
    assert created.status == 200, created
    kafka.process.freeze()
    cancelled = await other.ask("POST", f"/v1/responses/{created.body['id']}/cancel")
    kafka.process.thaw()
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled"), cancelled


async def test_sigterm_ends_looks_within_a_second_with_a_hint_to_come_back(deployment: Deployment) -> None:
    api = await deployment.start_api()
    async with following(api, "/v1/operator/overview/events") as events:
        await events.next()
        deployment.apis[0].terminate()
        async with asyncio.timeout(1):
            await events.rest()
        assert events.retry_ms == 1000
    assert await deployment.apis[0].exit_status(deadline=10) == 0


def is_refused(api: Api) -> bool:
    host, port = api.url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


async def test_more_than_may_be_in_flight_is_refused_at_once_and_taken_later(
    deployment: Deployment, kafka: OwnServer, session: aiohttp.ClientSession
) -> None:
    api = await deployment.start_api(**LIMITS)
    [process] = deployment.apis
    operations_port = deployment._operations_ports[process.name]
    kafka.process.freeze()
    first = asyncio.create_task(api.try_submit([LARGE]))

    async def is_in_flight() -> bool:
        return await in_flight(session, operations_port) == 1

    await until(is_in_flight, what="the record to be in flight")
    second = await api.try_submit([LARGE])
    assert (second.status, second.body["error"]["code"]) == (503, "overloaded")
    assert int(second.headers["retry-after"]) >= 1
    kafka.process.thaw()
    assert (await first).status == 202

    async def accepted() -> Answer | None:
        answer = await api.try_submit([LARGE])
        return answer if answer.status == 202 else None

    await until(accepted, what="room for another")


async def test_an_api_without_kafka_answers_503_and_comes_to_work_by_itself(
    deployment: Deployment, kafka: OwnServer, processes: Processes, ports: Ports, session: aiohttp.ClientSession
) -> None:
    await kafka.process.stop()
    port, operations_port = ports.free(), ports.free()
    settings: dict[str, object] = {"api__port": port, "api__operations_port": operations_port}

    process = await processes.start(by_hand(deployment, settings, ready=lambda: http_ok(operations_port, "/livez")))
    api = Api(f"http://127.0.0.1:{port}", session)
    answer = await api.try_submit(["x"])
    assert (answer.status, answer.body["error"]["code"]) == (503, "queue_unavailable")
    assert int(answer.headers["retry-after"]) >= 1

    async def says_why() -> bool:
        async with session.get(f"http://127.0.0.1:{operations_port}/readyz") as response:
            return (response.status, await response.text()) == (503, "Kafka is out of reach\n")

    await until(says_why)
    assert (await api.ask("GET", "/v1/tasks", params={"task_ids": "x"})).status == 200
    await kafka.process.start()
    await until(lambda: http_ok(operations_port, "/readyz"), what="the API to be ready")
    await api.submit(["x"])
    process.terminate()
    assert await process.exit_status(deadline=20) == 0


def by_hand(deployment: Deployment, settings: dict[str, object], *, ready: Callable[[], Awaitable[bool]]) -> Child:
    """The service with settings that keep it from being ready, or from starting."""
    return Child(
        name="api-by-hand",
        argv=(sys.executable, "-P", "-m", "producer_api"),
        log=deployment._folder / "api-by-hand.log",
        ready=ready,
        env=deployment._environment(settings),
    )


async def never() -> bool:
    return False


@pytest.mark.parametrize(
    ("setting", "value", "status", "says"),
    [
        ("api__max_prompts_per_request", "many", 2, "PROMPTMILL_API__MAX_PROMPTS_PER_REQUEST: "),
        ("api__no_such_setting", "1", 2, "PROMPTMILL_API__NO_SUCH_SETTING: "),
        ("api__port", "taken", 1, "address already in use"),
        ("api__operations_port", "taken", 1, "address already in use"),
    ],
)
async def test_what_keeps_it_from_starting_is_said_in_one_line(
    deploy: Deploy, setting: str, value: str, status: int, says: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        value = value.replace("taken", str(taken.getsockname()[1]))
        settings: dict[str, object] = {"api__port": 0, "api__operations_port": 0, setting: value}
        process = LiveProcess(by_hand(deploy("127.0.0.1:9"), settings, ready=never))
        with pytest.raises(AssertionError, match=f"ended with status {status}"):
            await process.start()
    lines = process.log().splitlines()
    assert says.lower() in lines[-1].lower()
    assert not [line for line in lines if "Traceback" in line]

"""A GET that waits for the end of its tasks."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

import aiohttp
import pytest

from common.store.keys import Keys
from common.store.leases import Leases
from common.task import Status
from tests.producer_api.conftest import Service
from tests.producer_api.test_reading import claimed, finished
from tests.support.api import Answer, Api
from tests.support.redis_client import Redis
from tests.support.waiting import until

# Longer than any test may take: who waits so long was not woken.
LONG = 250
AT_ONCE_SECONDS = 15
UNKNOWN = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Waits:
    """Starts GETs that wait."""

    api: Api
    service: Service
    session: aiohttp.ClientSession

    async def followers(self) -> float:
        async with self.session.get(f"{self.service.operations_url}/metrics") as response:
            lines = (await response.text()).splitlines()
        [line] = [line for line in lines if line.startswith("promptmill_api_followers ")]
        return float(line.split()[1])

    async def begin(self, *task_ids: str, seconds: float = LONG) -> asyncio.Task[Answer]:
        """A GET that has come so far that every later move is told to it."""
        before = await self.followers()
        params = {"task_ids": ",".join(task_ids), "wait": str(seconds)}
        answering = asyncio.create_task(self.api.ask("GET", "/v1/tasks", params=params))

        async def follows() -> bool:
            return answering.done() or await self.followers() > before

        await until(follows, what="the request to follow its tasks")
        return answering


@pytest.fixture
async def waits(api: Api, service: Service, session: aiohttp.ClientSession) -> AsyncIterator[Waits]:
    waits = Waits(api, service, session)
    yield waits

    async def nobody_follows() -> bool:
        return await waits.followers() == 0

    await until(nobody_follows, what="every follower to be forgotten")


async def soon(answering: Awaitable[Answer]) -> Answer:
    """What is answered because something woke the request: long before the store is looked at anyway."""
    async with asyncio.timeout(AT_ONCE_SECONDS):
        return await answering


def statuses(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [entry["status"] for entry in answer.body["tasks"]]


async def test_the_answer_comes_when_the_last_task_has_ended(api: Api, waits: Waits, leases: Leases) -> None:
    first, second = await api.submit(["x", "y"])
    answering = await waits.begin(first, second, first)
    await finished(leases, await claimed(leases, first, now=time.time()), Status.COMPLETED, status_code=200, body=b"{}")
    claim = await claimed(leases, second, now=time.time())
    assert await api.states([first, second]) == {("completed", 100): 1, ("processing", 25): 1}
    assert not answering.done()
    await finished(leases, claim, Status.FAILED)
    assert statuses(await soon(answering)) == ["completed", "failed", "completed"]


async def test_a_task_that_had_ended_already_is_not_waited_for(api: Api, waits: Waits, leases: Leases) -> None:
    ended, open_ = await api.submit(["x", "y"])
    await finished(leases, await claimed(leases, ended, now=time.time()), Status.FAILED)
    assert statuses(await soon(await waits.begin(ended, UNKNOWN))) == ["failed", "not_found"]
    answering = await waits.begin(ended, open_, UNKNOWN)
    await finished(leases, await claimed(leases, open_, now=time.time()), Status.FAILED)
    assert statuses(await soon(answering)) == ["failed", "failed", "not_found"]


async def test_when_the_time_is_over_the_tasks_are_told_as_they_are(api: Api, waits: Waits, leases: Leases) -> None:
    task_ids = await api.submit(["x", "y"])
    await claimed(leases, task_ids[0], now=time.time())
    began = time.monotonic()
    answer = await soon(await waits.begin(*task_ids, seconds=0.6))
    assert statuses(answer) == ["processing", "queued"]
    assert time.monotonic() - began >= 0.6


async def test_one_task_can_be_waited_for_too(api: Api, waits: Waits, leases: Leases) -> None:
    [task_id] = await api.submit(["x"])
    answering = asyncio.create_task(api.ask("GET", f"/v1/tasks/{task_id}?wait={LONG}"))

    async def follows() -> bool:
        return await waits.followers() == 1

    await until(follows)
    await finished(
        leases, await claimed(leases, task_id, now=time.time()), Status.COMPLETED, status_code=200, body=b"{}"
    )
    answer = await soon(answering)
    assert (answer.body["status"], answer.body["response"]) == ("completed", {"status_code": 200, "body": {}})


@pytest.mark.parametrize("path", ["/cancel", ""])
async def test_a_cancellation_and_a_deletion_end_the_wait(api: Api, waits: Waits, path: str) -> None:
    [task_id] = await api.submit(["x"])
    answering = await waits.begin(task_id)
    ended = await api.ask("POST" if path else "DELETE", f"/v1/tasks/{task_id}{path}")
    assert ended.status == 200
    assert statuses(await soon(answering)) == ["cancelled" if path else "not_found"]


async def test_a_task_that_expires_meanwhile_ends_the_wait_though_nobody_tells(api: Api, waits: Waits) -> None:
    [task_id] = await api.submit(["x"], deadline_seconds=1)
    assert statuses(await soon(await waits.begin(task_id))) == ["expired"]


async def test_a_wait_survives_the_loss_of_its_subscription(
    api: Api, waits: Waits, leases: Leases, redis: Redis
) -> None:
    [task_id] = await api.submit(["x"])
    claim = await claimed(leases, task_id, now=time.time())
    answering = await waits.begin(task_id)
    for client in await subscribers(redis):
        await redis.client_kill_filter(_id=client["id"])
    await finished(leases, claim, Status.FAILED)
    assert statuses(await soon(answering)) == ["failed"]


async def subscribers(redis: Redis) -> list[dict[str, str]]:
    return [client for client in await redis.client_list() if client["name"] == "producer-api-moves"]


async def test_any_number_of_waits_needs_one_connection_and_leaves_no_subscription(
    api: Api, waits: Waits, leases: Leases, redis: Redis, keys: Keys
) -> None:
    task_ids = await api.submit(["x"] * 5)
    before = len(await redis.client_list())
    answering = [await waits.begin(*task_ids) for _ in range(10)]
    assert await waits.followers() == 10
    channels = [keys.task(task_id) for task_id in task_ids]
    assert {count for _, count in await redis.pubsub_numsub(*channels)} == {1}
    assert len(await redis.client_list()) <= before + 1
    for task_id in task_ids:
        await finished(leases, await claimed(leases, task_id, now=time.time()), Status.FAILED)
    for each in answering:
        assert statuses(await soon(each)) == ["failed"] * 5

    async def unsubscribed() -> bool:
        return {count for _, count in await redis.pubsub_numsub(*channels)} == {0}

    await until(unsubscribed)


async def test_who_leaves_waits_no_longer(api: Api, waits: Waits) -> None:
    answering = await waits.begin(*await api.submit(["x"]))
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)

    async def nobody_follows() -> bool:
        return await waits.followers() == 0

    await until(nobody_follows, deadline=AT_ONCE_SECONDS)


@pytest.mark.parametrize("path", ["", "/"])
@pytest.mark.parametrize("query", ["wait=", "wait=x", "wait=-1", "wait=nan", "wait=inf", "wait=1&wait=2"])
async def test_what_is_no_time_is_refused(api: Api, path: str, query: str) -> None:
    [task_id] = await api.submit(["x"])
    answer = await api.ask("GET", f"/v1/tasks/{task_id}?{query}" if path else f"/v1/tasks?task_ids={task_id}&{query}")
    assert (answer.status, answer.body["error"]["param"], answer.body["error"]["code"]) == (
        400,
        "wait",
        "invalid_value",
    )


async def test_longer_than_is_allowed_is_refused(api: Api) -> None:
    answer = await api.ask("GET", f"/v1/tasks?task_ids={UNKNOWN}&wait=301")
    assert (answer.status, answer.body["error"]["param"], answer.body["error"]["code"]) == (
        400,
        "wait",
        "limit_exceeded",
    )
    assert "300" in answer.body["error"]["message"]
    assert "PROMPTMILL_API__MAX_WAIT_SECONDS" in answer.body["error"]["message"]


async def test_no_time_is_no_wait(api: Api) -> None:
    task_ids = await api.submit(["x"])
    assert statuses(await soon(api.ask("GET", f"/v1/tasks?task_ids={task_ids[0]}&wait=0"))) == ["queued"]

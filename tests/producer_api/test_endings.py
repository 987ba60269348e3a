"""Cancelling and deleting, as clients see it; a worker's part is played by its moves."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import aiohttp
import pytest

from common.connections import create_redis_listener
from common.result import EXPIRED
from common.store.cancellations import CancellationListener
from common.store.claims import Hold
from common.store.forgetting import MAX_FORGOTTEN, Due, Forgotten
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.submissions import Submissions, Written
from common.task import Status, Task, new_task_id
from tests.producer_api.conftest import MAX_IDS, RESULT_TTL_SECONDS, Service
from tests.producer_api.test_reading import NOT_TASKS, claimed, finished
from tests.support.api import Answer, Api
from tests.support.redis_client import Redis

End = Callable[[Api, str], Awaitable[Answer]]


@pytest.fixture
async def heard(service: Service, keys: Keys) -> AsyncIterator[asyncio.Queue[str]]:
    """The ids that workers are told."""
    listener = create_redis_listener(service.redis, "test-listener")
    told: asyncio.Queue[str] = asyncio.Queue()
    begun = asyncio.Event()

    async def listen() -> None:
        async with aclosing(CancellationListener(listener, keys).listen()) as messages:
            async for task_ids in messages:
                begun.set()
                for task_id in task_ids:
                    told.put_nowait(task_id)

    listening = asyncio.create_task(listen())
    await begun.wait()
    yield told
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await listener.aclose()


async def cancel(api: Api, task_id: str, **request: object) -> Answer:
    return await api.ask("POST", f"/v1/tasks/{task_id}/cancel", **request)


async def delete(api: Api, task_id: str) -> Answer:
    return await api.ask("DELETE", f"/v1/tasks/{task_id}")


async def completed(leases: Leases, task_id: str) -> None:
    claim = await claimed(leases, task_id, now=time.time())
    body = b'{"choices":[{"message":{"content":"Po."}}]}'
    await finished(leases, claim, Status.COMPLETED, status_code=200, body=body)


def is_not_found(answer: Answer) -> bool:
    return (answer.status, answer.body["error"]["code"]) == (404, "task_not_found")


async def test_a_queued_task_is_cancelled_and_the_answer_shows_it(api: Api) -> None:
    [task_id] = await api.submit(["x"])
    answer = await cancel(api, task_id)
    assert (answer.status, answer.body) == (200, await api.task(task_id))
    assert (answer.body["status"], answer.body["error"], answer.body["result"]) == ("cancelled", None, None)
    assert answer.body["finished_at"] == pytest.approx(time.time(), abs=60)


async def test_what_ends_without_a_worker_is_counted_once(
    service: Service, api: Api, session: aiohttp.ClientSession, redis: Redis, keys: Keys
) -> None:
    async def ended() -> Counter[str]:
        async with session.get(f"{service.operations_url}/metrics") as answer:
            text = await answer.text()
        found = re.findall(r'^promptmill_api_tasks_ended_total{status="(\w+)"} (\d+)', text, re.MULTILINE)
        return Counter({status: int(count) for status, count in found})

    before = await ended()
    first, second, unseen, overdue = await api.submit(["x"] * 4)
    for _ in range(2):
        await cancel(api, first)
        await api.ask("POST", "/v1/tasks/cancel", json={"task_ids": [first, second]})
    for task_id in (unseen, overdue):
        await redis.hset(keys.task(task_id), "expires_at", "1")
    assert (await cancel(api, overdue)).body["status"] == "expired"
    for _ in range(2):
        assert (await api.task(unseen))["status"] == "expired"
    assert await ended() - before == Counter(cancelled=2, expired=2)


async def test_a_task_in_flight_is_taken_from_its_worker(api: Api, leases: Leases, heard: asyncio.Queue[str]) -> None:
    [task_id] = await api.submit(["x"])
    claim = await claimed(leases, task_id, now=time.time())
    assert (await cancel(api, task_id)).body["status"] == "cancelled"
    assert await heard.get() == task_id
    assert await leases.renew([(claim, True)]) == [Hold.FINAL]


async def test_cancelling_twice_is_answered_as_once_and_told_once(
    api: Api, leases: Leases, heard: asyncio.Queue[str]
) -> None:
    first, second = await api.submit(["x", "y"])
    for task_id in (first, second):
        await claimed(leases, task_id, now=time.time())
    before = await cancel(api, first)
    assert (await cancel(api, first)).body == before.body
    await cancel(api, second)
    assert [await heard.get(), await heard.get()] == [first, second]


async def test_a_task_that_has_ended_stays_as_it_ended(api: Api, leases: Leases) -> None:
    [task_id] = await api.submit(["x"])
    body = b'{"choices":[{"message":{"content":"Po."}}]}'
    await finished(
        leases, await claimed(leases, task_id, now=time.time()), Status.COMPLETED, status_code=200, body=body
    )
    answer = await cancel(api, task_id)
    assert (answer.status, answer.body["status"], answer.body["result"]) == (200, "completed", "Po.")


async def test_a_task_past_its_time_is_expired_and_says_why(api: Api, redis: Redis, keys: Keys) -> None:
    now = time.time()
    task = Task(task_id=new_task_id(), tenant="local", body={}, created_at=now - 20, expires_at=now - 10)
    submissions = Submissions(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS)
    await submissions.accept([Written(task, 0, 0)])
    answer = await cancel(api, task.task_id)
    assert (answer.status, answer.body["status"], answer.body["error"]) == (200, "expired", EXPIRED.as_json())


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"data": b"", "headers": {"Content-Type": "application/json"}},
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
        {"json": {"why": "changed my mind"}},
    ],
    ids=["none", "empty", "no JSON", "JSON"],
)
async def test_the_body_of_a_cancellation_does_not_matter(api: Api, request_: dict[str, object]) -> None:
    [task_id] = await api.submit(["x"])
    assert (await cancel(api, task_id, **request_)).status == 200


async def test_a_deleted_task_is_gone_and_its_id_names_nothing_any_more(api: Api, leases: Leases) -> None:
    [task_id] = await api.submit(["x"])
    body = b'{"choices":[{"message":{"content":"Po."}}]}'
    await finished(
        leases, await claimed(leases, task_id, now=time.time()), Status.COMPLETED, status_code=200, body=body
    )
    answer = await delete(api, task_id)
    assert (answer.status, answer.body) == (200, {"task_id": task_id, "deleted": True})
    assert await api.task(task_id) == {"task_id": task_id, "status": "not_found"}
    assert is_not_found(await api.ask("GET", f"/v1/tasks/{task_id}"))
    assert is_not_found(await cancel(api, task_id))
    assert is_not_found(await delete(api, task_id))


async def test_deleting_takes_an_unfinished_task_from_its_worker(
    api: Api, leases: Leases, heard: asyncio.Queue[str]
) -> None:
    [task_id] = await api.submit(["x"])
    claim = await claimed(leases, task_id, now=time.time())
    assert (await delete(api, task_id)).status == 200
    assert await heard.get() == task_id
    assert await leases.renew([(claim, True)]) == [Hold.DELETED]


async def test_a_worker_is_left_the_result_to_take_back(api: Api, redis: Redis, keys: Keys) -> None:
    [task_id] = await api.submit(["x"])
    await delete(api, task_id)
    assert Due(task_id, last=False) in await Forgotten(redis.link, keys).due(now=time.time() + 1, limit=10_000)


async def test_a_deletion_cut_short_before_its_result_was_listed_is_made_whole_by_its_repeat(
    api: Api, redis: Redis, keys: Keys
) -> None:
    [task_id] = await api.submit(["x"])
    await delete(api, task_id)
    await redis.zrem(keys.forgotten, task_id)
    assert is_not_found(await delete(api, task_id))
    assert await redis.zscore(keys.forgotten, task_id) is not None


async def test_when_too_many_results_wait_to_be_taken_back_nothing_is_deleted(
    api: Api, redis: Redis, keys: Keys
) -> None:
    [task_id] = await api.submit(["x"])
    await redis.zadd(keys.forgotten, {f"filler-{number}": 0 for number in range(MAX_FORGOTTEN)})
    answer = await delete(api, task_id)
    await redis.zremrangebyscore(keys.forgotten, 0, 0)
    assert (answer.status, answer.body["error"]["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "2"
    assert (await api.task(task_id))["status"] == "queued"
    assert (await delete(api, task_id)).status == 200


@pytest.mark.parametrize("end", [cancel, delete])
@pytest.mark.parametrize("text", [text.replace("/", "") for text in NOT_TASKS[1:]])
async def test_what_names_no_task_is_not_found(api: Api, end: End, text: str) -> None:
    assert is_not_found(await end(api, text))


@pytest.mark.parametrize("end", [cancel, delete])
async def test_another_tenant_s_task_is_not_found_and_goes_on(api: Api, redis: Redis, keys: Keys, end: End) -> None:
    now = time.time()
    task = Task(task_id=new_task_id(), tenant="other", body={}, created_at=now, expires_at=now + 60)
    await Submissions(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS).accept([Written(task, 0, 0)])
    assert is_not_found(await end(api, task.task_id))
    assert await redis.hget(keys.task(task.task_id), "status") == b"queued"
    assert await redis.zscore(keys.forgotten, task.task_id) is None


@pytest.mark.parametrize("end", [cancel, delete])
async def test_either_spelling_of_an_id_is_taken(api: Api, end: End) -> None:
    [task_id] = await api.submit(["x"])
    answer = await end(api, f"resp_{task_id.replace('-', '')}")
    assert (answer.status, answer.body["task_id"]) == (200, task_id)


async def cancel_many(api: Api, body: object) -> Answer:
    return await api.ask("POST", "/v1/tasks/cancel", json=body)


async def test_many_tasks_are_cancelled_at_once_and_each_is_told_as_it_stands(
    api: Api, leases: Leases, heard: asyncio.Queue[str]
) -> None:
    queued, running, done, gone = await api.submit(["a", "b", "c", "d"])
    claim = await claimed(leases, running, now=time.time())
    await completed(leases, done)
    await delete(api, gone)
    spelling = f"resp_{queued.replace('-', '')}"
    body = {"task_ids": [done, spelling, "nonsense", running, gone, queued]}
    expected = [
        {"task_id": done, "status": "completed", "progress": 100, "attempts": 1},
        {"task_id": queued, "status": "cancelled", "progress": 0, "attempts": 0},
        {"task_id": "nonsense", "status": "not_found"},
        {"task_id": running, "status": "cancelled", "progress": 25, "attempts": 1},
        {"task_id": gone, "status": "not_found"},
        {"task_id": queued, "status": "cancelled", "progress": 0, "attempts": 0},
    ]
    answer = await cancel_many(api, body)
    assert (answer.status, answer.body) == (200, {"tasks": expected})
    assert await heard.get() == running, "nobody has the other in hand"
    assert await leases.renew([(claim, True)]) == [Hold.FINAL]
    again = await cancel_many(api, body)
    assert (again.status, again.body) == (200, {"tasks": expected})
    assert heard.empty()


async def test_as_many_as_a_query_may_name_are_cancelled_in_one_request(api: Api) -> None:
    task_ids = await api.submit(["x"] * MAX_IDS)
    answer = await cancel_many(api, {"task_ids": task_ids})
    assert [entry["task_id"] for entry in answer.body["tasks"]] == task_ids
    assert await api.states(task_ids) == {("cancelled", 0): MAX_IDS}


async def test_another_tenant_s_tasks_are_not_cancelled(api: Api, redis: Redis, keys: Keys) -> None:
    now = time.time()
    task = Task(task_id=new_task_id(), tenant="other", body={}, created_at=now, expires_at=now + 60)
    await Submissions(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS).accept([Written(task, 0, 0)])
    answer = await cancel_many(api, {"task_ids": [task.task_id]})
    assert answer.body == {"tasks": [{"task_id": task.task_id, "status": "not_found"}]}
    assert await redis.hget(keys.task(task.task_id), "status") == b"queued"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_required_parameter"),
        ([], "invalid_value"),
        ({"task_ids": []}, "invalid_value"),
        ({"task_ids": "x"}, "invalid_type"),
        ({"task_ids": [1]}, "invalid_type"),
        ({"task_ids": ["x"], "other": 1}, "invalid_value"),
        ({"task_ids": ["x"] * (MAX_IDS + 1)}, "limit_exceeded"),
    ],
)
async def test_a_list_that_cannot_be_taken_cancels_nothing(api: Api, body: object, code: str) -> None:
    answer = await cancel_many(api, body)
    assert (answer.status, answer.body["error"]["param"], answer.body["error"]["code"]) == (400, "task_ids", code)

"""Streams of events, on one API with real servers behind it."""

import asyncio
import time
from typing import Any

import aiohttp
import orjson
import pytest

from common.store.claims import Claim
from common.store.keys import Keys
from common.store.leases import Leases
from common.task import Status
from tests.producer_api.conftest import Service
from tests.producer_api.test_reading import ANSWER, claimed, finished
from tests.producer_api.test_waiting import subscribers
from tests.support.api import Api
from tests.support.events import Event, Events, following, of_tasks, text_of
from tests.support.redis_client import Redis
from tests.support.waiting import until

UNKNOWN = "00000000-0000-7000-8000-000000000000"
# Before the store is looked at whatever was told.
AT_ONCE_SECONDS = 15
TEXT = "Aare, Elbe, Po."


def told(events: list[Event]) -> list[tuple[Any, ...]]:
    return [(event.name, event.data["status"], event.data.get("progress"), event.data.get("delta")) for event in events]


async def complete(leases: Leases, claim: Claim) -> None:
    await finished(leases, claim, Status.COMPLETED, status_code=200, body=orjson.dumps(ANSWER))


async def ended(events: Events) -> list[Event]:
    async with asyncio.timeout(AT_ONCE_SECONDS):
        return await events.rest()


async def test_a_stream_begins_with_how_the_task_stands_tells_each_move_and_ends_with_it(
    api: Api, leases: Leases
) -> None:
    [task_id] = await api.submit(["x"])
    async with following(api, f"/v1/tasks/{task_id}/events") as events:
        snapshot = await events.next()
        assert snapshot.data == await api.task(task_id)
        claim = await claimed(leases, task_id, now=time.time())
        await leases.progress(claim, 40, tokens=3, may_restore=False)
        await leases.release(claim, delay_seconds=0, failures=1, called=True, may_restore=False)
        await complete(leases, await claimed(leases, task_id, now=time.time()))
        later = await ended(events)
    assert told([snapshot, *later]) == [
        ("status", "queued", 0, None),
        ("status", "processing", 25, None),
        ("status", "processing", 40, None),
        ("status", "queued", 0, None),
        ("status", "processing", 25, None),
        ("delta", "completed", 100, TEXT),
        ("status", "completed", 100, None),
    ]
    assert later[-1].data == await api.task(task_id)
    assert [event.data["attempts"] for event in later] == [1, 1, 1, 2, 2, 2]
    assert len({event.id for event in later}) == len(later)


async def test_many_tasks_are_followed_as_one_until_the_last_has_ended(api: Api, leases: Leases) -> None:
    first, second, final = await api.submit(["x", "y", "z"])
    await complete(leases, await claimed(leases, final, now=time.time()))
    spelling = f"resp_{first.replace('-', '')}"
    async with following(api, of_tasks(spelling, UNKNOWN, final, second, first, "nonsense")) as events:
        snapshot = [await events.next() for _ in range(5)]
        assert [(event.data["task_id"], event.data["status"]) for event in snapshot] == [
            (first, "queued"),
            (UNKNOWN, "not_found"),
            (final, "completed"),
            (second, "queued"),
            ("nonsense", "not_found"),
        ]
        assert snapshot[2].data["result"] == TEXT
        await api.ask("POST", f"/v1/tasks/{second}/cancel")
        await finished(leases, await claimed(leases, first, now=time.time()), Status.FAILED)
        later = await ended(events)
    assert sorted((event.data["task_id"], event.data["status"]) for event in later) == sorted(
        [(second, "cancelled"), (first, "processing"), (first, "failed")]
    )


async def test_a_stream_goes_on_after_any_event_without_loss_or_repeat(api: Api, leases: Leases) -> None:
    task_ids = await api.submit(["x", "y"])
    path = of_tasks(*task_ids)
    async with following(api, path) as events:
        seen = [await events.next() for _ in task_ids]
        claims = [await claimed(leases, task_id, now=time.time()) for task_id in task_ids]
        seen += [await events.next() for _ in task_ids]
        for claim in claims:
            await complete(leases, claim)
        seen += await ended(events)
    ends = {event.data["task_id"]: event.data for event in seen if event.data["status"] == "completed"}
    for place, event in enumerate(seen):
        async with following(api, path, after=event.id) as events:
            rest = await ended(events)
        told_before = [one.data for one in seen[: place + 1]]
        assert not [one for one in rest if one.data in told_before]
        for task_id in task_ids:
            mine = [one for one in [*seen[: place + 1], *rest] if one.data["task_id"] == task_id]
            assert mine[-1].data == ends[task_id]
            assert text_of(mine) == (TEXT if any("delta" in one.data for one in mine) else "")


async def test_a_stream_that_was_told_to_its_end_is_not_begun_again(api: Api) -> None:
    [task_id] = await api.submit(["x"])
    await api.ask("POST", f"/v1/tasks/{task_id}/cancel")
    async with following(api, f"/v1/tasks/{task_id}/events") as events:
        [last] = await ended(events)
    async with following(api, f"/v1/tasks/{task_id}/events", after=last.id) as events:
        assert events.response.status == 204
        assert await ended(events) == []


async def test_who_comes_back_to_a_task_that_did_not_move_hears_only_what_is_new(api: Api) -> None:
    [task_id] = await api.submit(["x"])
    async with following(api, f"/v1/tasks/{task_id}/events") as events:
        last = await events.next()
    async with following(api, f"/v1/tasks/{task_id}/events", after=last.id) as events:
        await api.ask("POST", f"/v1/tasks/{task_id}/cancel")
        assert told(await ended(events)) == [("status", "cancelled", 0, None)]
        assert "keep-alive" in events.comments


async def test_a_deleted_task_and_an_expired_one_end_their_streams(api: Api) -> None:
    deleted, expiring = await api.submit(["x"]) + await api.submit(["y"], deadline_seconds=1)
    async with following(api, of_tasks(deleted, expiring)) as events:
        await events.next()
        await api.ask("DELETE", f"/v1/tasks/{deleted}")
        later = {event.data["task_id"]: event.data["status"] for event in await ended(events)}
    assert later == {deleted: "not_found", expiring: "expired"}


async def test_a_stream_survives_the_loss_of_its_subscription(api: Api, leases: Leases, redis: Redis) -> None:
    [task_id] = await api.submit(["x"])
    async with following(api, f"/v1/tasks/{task_id}/events") as events:
        await events.next()
        for client in await subscribers(redis):
            await redis.client_kill_filter(_id=client["id"])
        await finished(leases, await claimed(leases, task_id, now=time.time()), Status.FAILED)
        later = await ended(events)
    assert told(later)[-1] == ("status", "failed", 25, None)


async def test_who_leaves_is_forgotten(api: Api, redis: Redis, keys: Keys) -> None:
    [task_id] = await api.submit(["x"])
    async with following(api, f"/v1/tasks/{task_id}/events") as events:
        await events.next()
        assert await redis.pubsub_numsub(keys.task(task_id)) == [(keys.task(task_id).encode(), 1)]

    async def unsubscribed() -> bool:
        return await redis.pubsub_numsub(keys.task(task_id)) == [(keys.task(task_id).encode(), 0)]

    await until(unsubscribed)


async def test_a_task_that_does_not_exist_is_not_followed(api: Api) -> None:
    answer = await api.ask("GET", f"/v1/tasks/{UNKNOWN}/events")
    assert (answer.status, answer.body["error"]["code"]) == (404, "task_not_found")


@pytest.mark.parametrize("text", ["x", "%%%", "AQAAAAA", "ü".encode().decode("latin-1")])
async def test_what_is_no_event_id_of_these_tasks_is_refused(api: Api, text: str) -> None:
    [task_id] = await api.submit(["x"])
    answer = await api.ask("GET", f"/v1/tasks/{task_id}/events", headers={"Last-Event-ID": text})
    error = answer.body["error"]
    assert (answer.status, error["param"], error["code"]) == (400, "Last-Event-ID", "invalid_value")


async def test_the_event_id_of_other_tasks_is_refused(api: Api) -> None:
    task_ids = await api.submit(["x", "y"])
    async with following(api, of_tasks(*task_ids)) as events:
        last = await events.next()
    answer = await api.ask("GET", of_tasks(*reversed(task_ids)), headers={"Last-Event-ID": last.id})
    assert (answer.status, answer.body["error"]["param"]) == (400, "Last-Event-ID")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "missing_required_parameter"),
        ("task_ids=a,,b", "invalid_value"),
        ("task_ids=" + "a," * 100 + "a", "limit_exceeded"),
    ],
)
async def test_the_tasks_to_follow_are_named_as_for_a_query(api: Api, query: str, code: str) -> None:
    answer = await api.ask("GET", f"/v1/tasks/events?{query}")
    assert (answer.status, answer.body["error"]["param"], answer.body["error"]["code"]) == (400, "task_ids", code)


async def test_any_number_of_streams_needs_one_connection(
    api: Api, service: Service, session: aiohttp.ClientSession, redis: Redis
) -> None:
    [task_id] = await api.submit(["x"])
    before = len(await redis.client_list())
    streams = [following(api, f"/v1/tasks/{task_id}/events") for _ in range(20)]
    opened = [await stream.__aenter__() for stream in streams]
    assert [(await events.next()).data["status"] for events in opened] == ["queued"] * 20
    assert len(await redis.client_list()) <= before + 1
    await api.ask("POST", f"/v1/tasks/{task_id}/cancel")
    assert [told(await ended(events)) for events in opened] == [[("status", "cancelled", 0, None)]] * 20
    for stream in streams:
        await stream.__aexit__(None, None, None)

    async def nobody_follows() -> bool:
        async with session.get(f"{service.operations_url}/metrics") as response:
            return "promptmill_api_followers 0.0" in await response.text()

    await until(nobody_follows)

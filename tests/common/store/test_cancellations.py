import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from redis.asyncio import Redis

from common.connections import create_redis_listener
from common.settings import RedisSettings
from common.store.cancellations import CancellationListener
from common.store.ending import Ending
from common.store.scripts import StoreUnavailable
from common.store.submissions import Written
from common.task import Status, Task, new_task_id
from tests.common.store.conftest import Store
from tests.support.redis_client import create_redis


@pytest.fixture
async def listener(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    listener = create_redis_listener(redis_settings, "tests-listener")
    yield listener
    await listener.aclose()


async def test_every_listener_hears_which_tasks_have_ended(store: Store, listener: Redis) -> None:
    async with aclosing(CancellationListener(listener, store.keys).listen()) as told:
        assert await anext(told) == (), "the subscription has begun"
        await store.redis.publish(store.keys.cancellations, "a b")
        await store.redis.publish(store.keys.cancellations, "c")
        assert [await anext(told), await anext(told)] == [["a", "b"], ["c"]]


async def test_a_channel_with_nothing_to_say_stays_open(store: Store, listener: Redis) -> None:
    async with aclosing(CancellationListener(listener, store.keys).listen(quiet_seconds=0.2)) as told:
        await anext(told)
        waiting = asyncio.ensure_future(anext(told))
        done, _ = await asyncio.wait([waiting], timeout=1.5)
        assert not done, "many times its silence was answered"
        await store.redis.publish(store.keys.cancellations, "late")
        assert await waiting == ["late"]


async def test_a_lost_connection_is_said(store: Store, listener: Redis) -> None:
    async with aclosing(CancellationListener(listener, store.keys).listen()) as told:
        await anext(told)
        [own] = [client for client in await store.redis.client_list() if client["name"] == "tests-listener"]
        await store.redis.client_kill_filter(_id=own["id"])
        with pytest.raises(StoreUnavailable):
            await anext(told)


async def test_a_redis_that_gives_no_sign_of_life_is_given_up(store: Store, redis_settings: RedisSettings) -> None:
    channel = store.keys.cancellations.encode()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer whatever comes until the subscription has begun, and nothing ever after."""
        while b"SUBSCRIBE" not in (commands := await reader.read(65_536)):
            writer.write(b"+OK\r\n" * len(re.findall(rb"\*\d+\r\n", commands)))
        writer.write(b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%b\r\n:1\r\n" % (len(channel), channel))
        while await reader.read(65_536):
            pass
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = redis_settings.model_copy(update={"url": type(redis_settings.url)(f"redis://127.0.0.1:{port}/0")})
    redis = create_redis_listener(settings, "tests-listener")
    async with server, aclosing(CancellationListener(redis, store.keys).listen(quiet_seconds=0.1)) as told:
        assert await anext(told) == ()
        with pytest.raises(StoreUnavailable, match="silent"):
            await anext(told)
        await told.aclose()
        await redis.aclose()


async def test_redis_out_of_reach_is_said_so(store: Store, redis_settings: RedisSettings) -> None:
    settings = redis_settings.model_copy(update={"url": type(redis_settings.url)("redis://127.0.0.1:1/0")})
    nowhere = create_redis_listener(settings, "tests-listener")
    with pytest.raises(StoreUnavailable):
        await anext(CancellationListener(nowhere, store.keys).listen())
    await nowhere.aclose()


async def test_workers_are_woken_for_what_one_of_them_has_in_hand_and_for_nothing_else(
    store: Store, listener: Redis
) -> None:
    queued, called, waiting, finished, deleted = (a_task() for _ in range(5))
    await store.submissions.accept([Written(queued, 0, 0)])
    await store.claimed(called)
    await store.leases.release(
        await store.claimed(waiting), delay_seconds=60, failures=1, called=True, may_restore=True
    )
    claim = await store.claimed(finished)
    await store.leases.finish(claim, Status.FAILED, b"{}", finished_at=2.0, failures=1, may_restore=True)
    await store.claimed(deleted)
    cancelled = [task.task_id for task in (queued, called, waiting, finished)]
    async with aclosing(CancellationListener(listener, store.keys).listen()) as told:
        await anext(told)
        for _ in range(2):
            await store.endings.cancel(cancelled, tenant="t")
            await store.endings.delete([deleted.task_id], tenant="t", token="x")
        await store.redis.publish(store.keys.cancellations, "last")
        woken = [await anext(told) for _ in range(4)]
    assert woken == [[called.task_id], [waiting.task_id], [deleted.task_id], ["last"]]


async def test_a_redis_that_forbids_its_channels_lets_tasks_go_on(store: Store, redis_settings: RedisSettings) -> None:
    await store.redis.acl_setuser(
        "mute", enabled=True, reset_channels=True, passwords=["+pw"], categories=["+@all"], keys=["*"]
    )
    address = redis_settings.url.get_secret_value().replace("redis://", "redis://mute:pw@")
    settings = redis_settings.model_copy(update={"url": type(redis_settings.url)(address)})
    redis = create_redis(settings, "tests-mute")
    muted, task = Store(redis, store.keys), a_task()
    await muted.claimed(task)
    assert await muted.endings.cancel([task.task_id], tenant="t") == [Ending.CANCELLED]
    assert (await store.state(task)).status is Status.CANCELLED
    await redis.aclose()
    await store.redis.acl_deluser("mute")


def a_task() -> Task:
    return Task(task_id=new_task_id(), tenant="t", body={}, created_at=1.0, expires_at=4e9)

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from redis.asyncio import Redis

from common.connections import create_redis_link, create_redis_listener
from common.settings import RedisSettings
from common.store.cancellations import CancellationListener, Cancellations
from common.store.scripts import StoreUnavailable
from tests.common.store.conftest import Store


@pytest.fixture
async def listener(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    listener = create_redis_listener(redis_settings, "tests-listener")
    yield listener
    await listener.aclose()


async def test_every_listener_hears_which_tasks_have_ended(store: Store, listener: Redis) -> None:
    telling = Cancellations(store.redis.link, store.keys)
    async with aclosing(CancellationListener(listener, store.keys).listen()) as told:
        assert await anext(told) == (), "the subscription has begun"
        await telling.tell(["a", "b"])
        await telling.tell(["c"])
        assert [await anext(told), await anext(told)] == [["a", "b"], ["c"]]


async def test_a_channel_with_nothing_to_say_stays_open(store: Store, listener: Redis) -> None:
    async with aclosing(CancellationListener(listener, store.keys).listen(quiet_seconds=0.2)) as told:
        await anext(told)
        waiting = asyncio.ensure_future(anext(told))
        done, _ = await asyncio.wait([waiting], timeout=1.5)
        assert not done, "many times its silence was answered"
        await Cancellations(store.redis.link, store.keys).tell(["late"])
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
    link = create_redis_link(settings, "tests")
    with pytest.raises(StoreUnavailable):
        await Cancellations(link, store.keys).tell(["a"])
    with pytest.raises(StoreUnavailable):
        await anext(CancellationListener(nowhere, store.keys).listen())
    await nowhere.aclose()
    await link.aclose()

"""The models of a real server in a real store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from common.settings import RedisSettings
from common.store.keys import Keys
from common.store.models import KnownModels
from consumer.llm.model_listing import ModelListing, listed
from tests.consumer.llm.harness import model_server
from tests.support.redis_client import create_redis

MINE = {"id": "mine", "object": "model", "created": 0, "owned_by": "unknown"}
OTHER = {"id": "vendor/other", "object": "model", "created": 5, "owned_by": "vendor"}


@pytest.fixture
async def known(redis_settings: RedisSettings) -> AsyncIterator[KnownModels]:
    redis = create_redis(redis_settings, "tests")
    yield KnownModels(redis.link, Keys(redis_settings.key_prefix))
    await redis.aclose()


@dataclass
class Scene:
    """A listing, what its server says and the time by its clock."""

    body: bytes
    status: int = 200
    now: float = 0.0
    listing: ModelListing = field(init=False)


@asynccontextmanager
async def listing(known: KnownModels, body: bytes, *, status: int = 200) -> AsyncIterator[Scene]:
    scene = Scene(body, status)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {scene.status} X\r\ncontent-length: {len(scene.body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + scene.body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, model_server(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1") as upstream:
        scene.listing = ModelListing(upstream, known, default_model="mine", clock=lambda: scene.now, jitter=lambda: 0)
        yield scene


async def test_the_store_is_told_of_the_workers_model_and_of_the_servers(known: KnownModels) -> None:
    assert await known.read() == []
    async with listing(known, orjson.dumps({"data": [OTHER]})) as scene:
        await scene.listing.tell()
    assert await known.read() == [MINE, OTHER]


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b"{}"), (500, b'{"data": []}'), (200, b"<html>"), (200, b'{"data": 5}'), (200, b"[" * 2_000_000)],
)
async def test_a_server_that_does_not_say_takes_nothing_away(known: KnownModels, status: int, body: bytes) -> None:
    async with listing(known, body, status=status) as scene:
        await scene.listing.tell()
        assert await known.read() == [MINE]
        await known.put([OTHER])
        await scene.listing.tell()
        assert await known.read() == [OTHER]


async def test_a_list_that_the_store_lost_is_told_again_and_the_server_asked_now_and_then(
    known: KnownModels, redis_settings: RedisSettings
) -> None:
    redis = create_redis(redis_settings, "tests")
    async with listing(known, orjson.dumps({"data": [OTHER]})) as scene:
        await scene.listing.tell()
        await redis.delete(Keys(redis_settings.key_prefix).models)
        scene.body, scene.now = b'{"data": []}', 299
        await scene.listing.tell()
        assert await known.read() == [MINE, OTHER]
        scene.now = 301
        await scene.listing.tell()
        assert await known.read() == [MINE]
    await redis.aclose()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([{"id": "mine", "created": 7, "owned_by": "me"}], [{**MINE, "created": 7, "owned_by": "me"}]),
        ([5, {"id": 5}, {"id": ""}, {"id": "x" * 201}, {}], [MINE]),
        ([{"id": "a", "created": "now", "owned_by": "x" * 201}], [MINE, {**MINE, "id": "a"}]),
        ([{"id": "a", "created": True}], [MINE, {**MINE, "id": "a"}]),
    ],
)
def test_only_what_looks_like_a_model_is_listed(data: list[Any], expected: list[dict[str, Any]]) -> None:
    assert listed(data, default_model="mine") == expected


def test_no_more_are_listed_than_a_reader_may_hold() -> None:
    assert len(listed([{"id": str(number)} for number in range(5_000)], default_model="mine")) == 1_000

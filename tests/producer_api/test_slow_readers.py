"""Clients that open streams and do not read them."""

import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import orjson
import pytest

from cli.stack.ports import Ports
from common.settings import KafkaSettings, RedisSettings
from common.store.claims import Claim, MoreText
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.marker import Marker
from tests.producer_api.test_reading import claimed
from tests.support.api import Api
from tests.support.deployment import Deployment
from tests.support.processes import Processes
from tests.support.redis_client import Redis, create_redis
from tests.support.waiting import until

READERS = 20
PART = b"x" * 64 * 1024
# Three times what may be kept for all of them, and less than half of what they were told.
MOST_GROWTH_BYTES = 32 << 20
DROPPED = 'promptmill_api_followers_dropped_total{reason="too_slow"}'


@pytest.fixture
def deployment(
    *,
    processes: Processes,
    ports: Ports,
    session: aiohttp.ClientSession,
    kafka_settings: KafkaSettings,
    redis_settings: RedisSettings,
    tmp_path: Path,
) -> Deployment:
    return Deployment(
        processes=processes,
        ports=ports,
        session=session,
        kafka=kafka_settings,
        redis=redis_settings,
        model_url="http://127.0.0.1:9/v1",
        folder=tmp_path,
    )


@pytest.fixture
async def own_redis(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    redis = create_redis(redis_settings, "test")
    marker = Marker(redis.link, Keys(redis_settings.key_prefix))
    await marker.set((await marker.identity()).run_id)
    yield redis
    await redis.aclose()


@pytest.fixture
def leases(own_redis: Redis, redis_settings: RedisSettings) -> Leases:
    keys = Keys(redis_settings.key_prefix)
    return Leases(own_redis.link, keys, worker="w-1", lease_seconds=60, result_ttl_seconds=600, max_crashes=10)


class Text:
    """A text without end, told part by part."""

    def __init__(self, leases: Leases, claim: Claim) -> None:
        self.told_bytes = 0
        self._leases = leases
        self._claim = claim

    async def goes_on(self) -> None:
        """Tell another part."""
        part = MoreText(self._claim, self.told_bytes, PART, tokens=1, progress=25)
        await self._leases.stream([(part, True)])
        self.told_bytes += len(PART)


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def open_without_reading(api: Api, task_id: str, opened: ExitStack) -> None:
    send_without_reading(api, f"GET /v1/tasks/{task_id}/events HTTP/1.1\r\nhost: x\r\n\r\n", opened)


def send_without_reading(api: Api, request: str, opened: ExitStack) -> None:
    host, port = api.url.removeprefix("http://").split(":")
    client = opened.enter_context(socket.socket())
    # So that little of what is sent lies on this side.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((host, int(port)))
    client.sendall(request.encode())


async def test_readers_that_take_nothing_are_dropped_and_what_is_kept_for_them_is_bounded(
    deployment: Deployment, leases: Leases, sockets: ExitStack
) -> None:
    api = await deployment.start_api()
    [process] = deployment.apis
    [task_id] = await api.submit(["x"])
    text = Text(leases, await claimed(leases, task_id, now=time.time()))
    for _ in range(READERS):
        open_without_reading(api, task_id, sockets)

    async def all_follow() -> bool:
        return await deployment.metric(process, "promptmill_api_followers") == READERS

    await until(all_follow)
    before = process.resident_bytes()
    most = 0

    async def all_are_dropped() -> bool:
        nonlocal most
        await text.goes_on()
        most = max(most, process.resident_bytes())
        return await deployment.metric(process, DROPPED) == READERS

    await until(all_are_dropped)
    assert READERS * text.told_bytes > 2 * MOST_GROWTH_BYTES
    assert most - before < MOST_GROWTH_BYTES
    lines = [orjson.loads(line) for line in process.log().splitlines()]
    assert [line["reason"] for line in lines if line["event"] == "follower dropped"] == ["too_slow"] * READERS
    assert [line for line in lines if line["level"] == "error"] == []
    process.terminate()
    # Those that are gone are not waited for; the server would wait fifteen seconds for others.
    began = time.monotonic()
    assert await process.exit_status(deadline=20) == 0
    assert time.monotonic() - began < 10


async def test_a_chat_whose_client_does_not_read_is_cut_off_and_its_task_cancelled(
    deployment: Deployment, leases: Leases, own_redis: Redis, redis_settings: RedisSettings, sockets: ExitStack
) -> None:
    api = await deployment.start_api()
    [process] = deployment.apis
    body = orjson.dumps({"messages": [{"role": "user", "content": "x"}], "stream": True}).decode()
    head = f"host: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    send_without_reading(api, f"POST /v1/chat/completions HTTP/1.1\r\n{head}{body}", sockets)
    task_ids: list[str] = []

    async def is_followed() -> bool:
        keys = await own_redis.keys(Keys(redis_settings.key_prefix).task("*"))
        task_ids[:] = [str(key, "ascii").rpartition("{")[2].rstrip("}") for key in keys if isinstance(key, bytes)]
        return bool(task_ids) and await deployment.metric(process, "promptmill_api_followers") == 1

    await until(is_followed)
    text = Text(leases, await claimed(leases, task_ids[0], now=time.time()))

    async def is_dropped() -> bool:
        await text.goes_on()
        return await deployment.metric(process, DROPPED) == 1

    await until(is_dropped)
    [task] = await api.wait_until_final(task_ids)
    assert task["status"] == "cancelled"
    process.terminate()
    assert await process.exit_status(deadline=10) == 0


PADDED, PADDING = 10, " " * (15 << 20)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v1/chat/completions", '"messages": [{"role": "user", "content": "x"}]'),
        ("/v1/chat/completions", '"stream": true, "messages": [{"role": "user", "content": "x"}]'),
        ("/v1/embeddings", '"input": "x"'),
        ("/v1/responses", '"model": "m", "input": "x"'),
    ],
)
async def test_of_a_body_no_more_than_its_prompt_is_held_while_its_answer_is_waited_for(
    deployment: Deployment, sockets: ExitStack, path: str, content: str
) -> None:
    api = await deployment.start_api()
    [process] = deployment.apis
    body = f"{{{content}{PADDING}}}"
    head = f"host: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"

    async def waiting() -> float:
        return await deployment.metric(process, "promptmill_api_followers")

    before = process.resident_bytes()
    for number in range(1, PADDED + 1):
        # Each with a key of its own, whose fingerprint is of the whole body.
        key = f"idempotency-key: {number}\r\n"
        send_without_reading(api, f"POST {path} HTTP/1.1\r\n{key}{head}{body}", sockets)
        expected = number

        async def is_waiting(expected: int = expected) -> bool:
            return await waiting() == expected

        await until(is_waiting)
    assert process.resident_bytes() - before < PADDED * len(PADDING) / 2

"""Text that is followed while it comes, over a Redis that goes away in the middle, with its data or without."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.e2e.conftest import Deploy
from tests.support.api import Api
from tests.support.backend import kafka_settings_for, redis_settings_for, unique_prefix
from tests.support.deployment import Deployment
from tests.support.events import Event, go_on, text_of
from tests.support.fake_model import FakeModel
from tests.support.processes import running_processes
from tests.support.redis_client import create_redis
from tests.support.servers import OwnServer, free_ports, own_valkey
from tests.support.waiting import until

WORDS = " ".join(f"wörd{number}" for number in range(60))
PROMPT = f"{WORDS} [[chunk-latency=0.1]]"
WHOLE = f"echo: {PROMPT}"

Loss = Callable[[OwnServer], Awaitable[None]]


async def restart(valkey: OwnServer) -> None:
    await valkey.process.stop()
    await valkey.process.start()


async def kill(valkey: OwnServer) -> None:
    await valkey.process.kill()
    await valkey.process.start()


async def flush(valkey: OwnServer) -> None:
    redis = create_redis(redis_settings_for(valkey.address, unique_prefix()), "test")
    await redis.flushall()
    await redis.aclose()


@pytest.fixture(scope="module")
async def valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnServer]:
    """A Valkey that the tests of this module alone use."""
    async with free_ports() as ports, running_processes() as processes:
        yield await own_valkey(processes, ports, tmp_path_factory.mktemp("losses"))


@pytest.fixture
def deployment(deploy: Deploy, valkey: OwnServer, kafka_bootstrap: str, fake_model: FakeModel) -> Deployment:
    kafka = kafka_settings_for(kafka_bootstrap, unique_prefix())
    return deploy(kafka, redis_settings_for(valkey.address, unique_prefix()), fake_model)


async def to_the_end(api: Api, path: str, seen: list[Event]) -> None:
    await until(lambda: go_on(api, path, seen), what="the end to be told")


@pytest.mark.parametrize("lose", [restart, kill, flush])
async def test_who_stays_and_who_comes_back_have_the_whole_text_though_redis_was_lost(
    deployment: Deployment, fake_model: FakeModel, valkey: OwnServer, lose: Loss
) -> None:
    apis = [await deployment.start_api(), await deployment.start_api()]
    await deployment.start_worker(concurrency=4)
    [task_id] = await apis[0].submit([PROMPT], stream=True)
    path = f"/v1/tasks/{task_id}/events"
    staying: list[Event] = []
    coming_back: list[Event] = []
    stays = asyncio.create_task(to_the_end(apis[0], path, staying))
    await go_on(apis[1], path, coming_back, enough=lambda: len(text_of(coming_back)) > len(WHOLE) // 4)
    await lose(valkey)
    assert len(text_of(staying)) < len(WHOLE), "it was lost in the middle"
    await to_the_end(apis[1], path, coming_back)
    await stays
    for seen in (staying, coming_back):
        assert text_of(seen) == WHOLE
        assert (seen[-1].data["status"], seen[-1].data["result"]) == ("completed", WHOLE)
        assert {event.name for event in seen} == {"status", "delta"}
        assert len({event.id for event in seen}) == len(seen)
    [call] = await fake_model.calls()
    assert call.body["stream"] is True

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from common.settings import RedisSettings
from common.store.keys import Keys
from consumer.engine.ports import Outcome
from tests.consumer.llm.harness import InBackground, Role, Scene, model_server
from tests.support.fake_model import FakeModel
from tests.support.redis_client import create_redis


@pytest.fixture
async def scene(redis_settings: RedisSettings, fake_model: FakeModel) -> AsyncIterator[Scene]:
    redis = create_redis(redis_settings, "tests")
    async with model_server(fake_model.base_url) as server:
        scene = Scene(redis, Keys(redis_settings.key_prefix), server)
        await scene.whole()
        yield scene
    await redis.aclose()


@pytest.fixture
def worker(scene: Scene) -> Role:
    return scene.worker()


@pytest.fixture
async def in_background() -> AsyncIterator[InBackground]:
    """Starts what a test waits for later; what it forgot is cancelled."""
    started: list[asyncio.Task[Outcome]] = []

    def start(handling: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
        started.append(asyncio.create_task(handling))
        return started[-1]

    yield start
    for running in started:
        running.cancel()
    await asyncio.gather(*started, return_exceptions=True)

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from common.settings import KafkaSettings, RedisSettings
from tests.consumer.store_loss.scene import LossScene
from tests.support.backend import redis_settings_for, unique_prefix
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.processes import Processes
from tests.support.redis_client import Redis, create_redis
from tests.support.servers import OwnServer, free_ports, own_valkey


@pytest.fixture
async def valkey(processes: Processes, tmp_path: Path) -> AsyncIterator[OwnServer]:
    """A store that may be lost without harm to other tests."""
    async with free_ports() as ports:
        yield await own_valkey(processes, ports, tmp_path)


@pytest.fixture
def lost_redis_settings(valkey: OwnServer) -> RedisSettings:
    return redis_settings_for(valkey.address, unique_prefix())


@pytest.fixture
async def redis(lost_redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    redis = create_redis(lost_redis_settings, "test")
    yield redis
    await redis.aclose()


@pytest.fixture
async def kafka_view(kafka_settings: KafkaSettings) -> AsyncIterator[KafkaView]:
    async with looking_into_kafka(kafka_settings) as view:
        yield view


@pytest.fixture
async def deployment(
    processes: Processes,
    kafka_settings: KafkaSettings,
    lost_redis_settings: RedisSettings,
    fake_model: FakeModel,
    tmp_path: Path,
) -> AsyncIterator[Deployment]:
    async with aiohttp.ClientSession() as session, free_ports() as ports:
        yield Deployment(
            processes=processes,
            ports=ports,
            session=session,
            kafka=kafka_settings,
            redis=lost_redis_settings,
            model_url=fake_model.base_url,
            folder=tmp_path,
        )


@pytest.fixture
def scene(
    deployment: Deployment, valkey: OwnServer, redis: Redis, kafka_view: KafkaView, fake_model: FakeModel
) -> LossScene:
    return LossScene(deployment, valkey, redis, kafka_view, fake_model)

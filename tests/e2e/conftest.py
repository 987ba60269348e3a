from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest

from cli.stack.ports import Ports
from common.settings import KafkaSettings, RedisSettings
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.processes import Processes
from tests.support.redis_client import Redis, create_redis
from tests.support.servers import free_ports

PARTITIONS = 24


@pytest.fixture
async def ports() -> AsyncIterator[Ports]:
    async with free_ports() as ports:
        yield ports


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def kafka(kafka_settings: KafkaSettings) -> KafkaSettings:
    """As many partitions as in production."""
    return kafka_settings.model_copy(update={"task_partitions": PARTITIONS})


class Deploy(Protocol):
    """Makes a deployment, with nothing running yet, on whatever Kafka, Valkey and model."""

    def __call__(self, kafka: KafkaSettings, redis: RedisSettings, model: FakeModel) -> Deployment: ...


@pytest.fixture
def deploy(processes: Processes, ports: Ports, session: aiohttp.ClientSession, tmp_path: Path) -> Deploy:
    def deploy(kafka: KafkaSettings, redis: RedisSettings, model: FakeModel) -> Deployment:
        return Deployment(
            processes=processes,
            ports=ports,
            session=session,
            kafka=kafka,
            redis=redis,
            model_url=model.base_url,
            folder=tmp_path,
        )

    return deploy


@pytest.fixture
def deployment(
    deploy: Deploy, kafka: KafkaSettings, redis_settings: RedisSettings, fake_model: FakeModel
) -> Deployment:
    """Services on the shared Kafka and Valkey, and on a model in this process."""
    return deploy(kafka, redis_settings, fake_model)


@pytest.fixture
async def kafka_view(kafka: KafkaSettings) -> AsyncIterator[KafkaView]:
    async with looking_into_kafka(kafka) as view:
        yield view


@pytest.fixture
async def redis(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    redis = create_redis(redis_settings, "test")
    yield redis
    await redis.aclose()

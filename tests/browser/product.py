"""The product as a browser meets it: API and workers as processes, on real Kafka and Valkey and a model that obeys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from common.settings import KafkaSettings, RedisSettings
from tests.support.api import Api
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.processes import Processes
from tests.support.servers import free_ports


@dataclass(frozen=True, slots=True)
class Product:
    """What runs, and a test's hands on it."""

    api: Api
    deployment: Deployment
    model: FakeModel

    @property
    def kafka(self) -> KafkaSettings:
        return self.deployment.kafka

    @property
    def redis(self) -> RedisSettings:
        return self.deployment.redis


@asynccontextmanager
async def running_product(
    processes: Processes,
    kafka: KafkaSettings,
    redis: RedisSettings,
    model: FakeModel,
    folder: Path,
    **settings: object,
) -> AsyncIterator[Product]:
    """Run an API, and nothing else yet, while the body runs; `settings` are the API's, by path."""
    async with free_ports() as ports, aiohttp.ClientSession() as session:
        deployment = Deployment(
            processes=processes,
            ports=ports,
            session=session,
            kafka=kafka,
            redis=redis,
            model_url=model.base_url,
            folder=folder,
        )
        yield Product(await deployment.start_api(**settings), deployment, model)

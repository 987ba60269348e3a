"""One API, one worker and one model for all tests of a file that do them no harm."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from tests.support.api import Api
from tests.support.backend import kafka_settings_for, redis_settings_for, topics_deleted_afterwards, unique_prefix
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, running_fake_model
from tests.support.processes import running_processes
from tests.support.servers import free_ports


@dataclass(frozen=True, slots=True)
class Shared:
    """What runs."""

    api: Api
    model: FakeModel
    deployment: Deployment


@pytest.fixture(scope="module")
async def shared(
    kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shared]:
    async with (
        aiohttp.ClientSession() as session,
        topics_deleted_afterwards(kafka_settings_for(kafka_bootstrap, unique_prefix())) as kafka,
        free_ports() as ports,
        running_processes() as processes,
        running_fake_model() as model,
    ):
        deployment = Deployment(
            processes=processes,
            ports=ports,
            session=session,
            kafka=kafka,
            redis=redis_settings_for(redis_url, unique_prefix()),
            model_url=model.base_url,
            folder=tmp_path_factory.mktemp("openai-compat"),
        )
        api = await deployment.start_api()
        await deployment.start_worker(concurrency=8, llm__retry_base_seconds=0.01, tasks__max_attempts=2)
        yield Shared(api, model, deployment)

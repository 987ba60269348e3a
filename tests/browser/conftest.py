from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from common.settings import KafkaSettings, RedisSettings
from tests.browser.launching import running_browser
from tests.browser.product import Product, running_product
from tests.browser.program import NoBrowser
from tests.browser.visit import Visit, visiting
from tests.support.api import Api
from tests.support.backend import kafka_settings_for, redis_settings_for, topics_deleted_afterwards, unique_prefix
from tests.support.fake_model import FakeModel, running_fake_model
from tests.support.processes import Processes, running_processes

CONCURRENCY = 3

Visiting = Callable[..., Awaitable[Visit]]
Running = Callable[..., Awaitable[Product]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A real one; where there is none and none can be installed, whoever asks for it fails."""
    try:
        async with running_browser() as browser:
            yield browser
    except NoBrowser as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[Visiting]:
    """Opens visits, as `visiting` does; in the end each is asked what went wrong in it."""
    async with AsyncExitStack() as visits:

        async def visit(api: Api, **options: Any) -> Visit:
            return await visits.enter_async_context(visiting(browser, api.url, **options))

        yield visit


@pytest.fixture(scope="session")
async def product_api(
    kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Product]:
    """An API alone, for tests that ask it for nothing but the page."""
    folder = tmp_path_factory.mktemp("product-api")
    redis = redis_settings_for(redis_url, unique_prefix())
    async with (
        topics_deleted_afterwards(kafka_settings_for(kafka_bootstrap, unique_prefix())) as kafka,
        running_fake_model() as model,
        running_processes() as processes,
        running_product(processes, kafka, redis, model, folder) as product,
    ):
        yield product


@pytest.fixture
async def run_product(
    processes: Processes,
    kafka_settings: KafkaSettings,
    redis_settings: RedisSettings,
    fake_model: FakeModel,
    tmp_path: Path,
) -> AsyncIterator[Running]:
    """Runs an API with any settings, and no worker yet."""
    async with AsyncExitStack() as running:

        async def run(**settings: object) -> Product:
            product = running_product(processes, kafka_settings, redis_settings, fake_model, tmp_path, **settings)
            return await running.enter_async_context(product)

        yield run


@pytest.fixture
async def product(run_product: Running) -> Product:
    """An API and one worker with three slots, which gives up after a single attempt."""
    product = await run_product()
    await product.deployment.start_worker(concurrency=CONCURRENCY, llm__retry_base_seconds=0, tasks__max_attempts=1)
    return product

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
from tests.support.fake_model import FakeModel
from tests.support.processes import Processes

CONCURRENCY = 3

Visiting = Callable[..., Awaitable[Visit]]


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


@pytest.fixture
async def product(
    processes: Processes,
    kafka_settings: KafkaSettings,
    redis_settings: RedisSettings,
    fake_model: FakeModel,
    tmp_path: Path,
) -> AsyncIterator[Product]:
    """An API and one worker with three slots, which gives up after a single attempt."""
    async with running_product(processes, kafka_settings, redis_settings, fake_model, tmp_path) as product:
        await product.deployment.start_worker(
            concurrency=CONCURRENCY, llm__retry_base_seconds=0, tasks__max_attempts=1
        )
        yield product

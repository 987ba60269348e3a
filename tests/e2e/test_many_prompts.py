import asyncio
from collections.abc import AsyncIterator

import pytest

from common.settings import KafkaSettings, RedisSettings
from tests.e2e.conftest import Deploy
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, fake_model_process
from tests.support.kafka_view import KafkaView

PROMPTS = 20_000
PROMPTS_A_REQUEST = 500
REQUESTS_AT_ONCE = 4
MAX_RESIDENT_BYTES = 250_000_000


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    """A model on a processor of its own, slow enough that slots are what limits."""
    async with fake_model_process(latency=0.05, log_limit=100) as model:
        yield model


@pytest.fixture
def deployment(deploy: Deploy, kafka: KafkaSettings, redis_settings: RedisSettings, model: FakeModel) -> Deployment:
    return deploy(kafka, redis_settings, model)


@pytest.mark.timeout(600)
async def test_twenty_thousand_prompts_are_each_called_once_and_completed_in_little_memory(
    deployment: Deployment, kafka_view: KafkaView, model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_workers(2, concurrency=100)
    await kafka_view.wait_for_workers(2)
    peaks: dict[str, int] = {}

    def look_at_memory() -> None:
        for process in [*deployment.apis, *deployment.workers]:
            peaks[process.name] = max(peaks.get(process.name, 0), process.resident_bytes())

    at_once = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def submit(first: int) -> list[str]:
        async with at_once:
            task_ids = await api.submit([f"prompt {number}" for number in range(first, first + PROMPTS_A_REQUEST)])
            look_at_memory()
            return task_ids

    submitted = await asyncio.gather(*(submit(first) for first in range(0, PROMPTS, PROMPTS_A_REQUEST)))
    task_ids = [task_id for some in submitted for task_id in some]
    assert len(set(task_ids)) == PROMPTS

    entries = await api.wait_until_completed(task_ids, deadline=400, watch=look_at_memory)

    assert [entry["result"] for entry in entries] == [f"echo: prompt {number}" for number in range(PROMPTS)]
    stats = await model.stats()
    assert (stats.calls, stats.distinct_prompts, stats.most_calls_of_one_prompt) == (PROMPTS, PROMPTS, 1)
    assert stats.max_in_flight <= 200
    assert {name: peak for name, peak in peaks.items() if peak >= MAX_RESIDENT_BYTES} == {}

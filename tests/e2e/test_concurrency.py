"""One number says how many calls a worker has in flight; partitions do not bound it."""

import pytest

from common.settings import KafkaSettings
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView

PROMPTS = ["one", "two", "three", "four"]


async def test_with_concurrency_3_the_fourth_of_four_prompts_waits_until_a_call_ends(
    deployment: Deployment, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=3)
    await fake_model.hold()

    task_ids = await api.submit(PROMPTS)
    await fake_model.wait_for_in_flight(3)
    await api.wait_for_states(task_ids, {("processing", 25): 3, ("queued", 0): 1})

    await fake_model.release(1)
    await api.wait_for_states(task_ids, {("completed", 100): 1, ("processing", 25): 3})

    await fake_model.release_all()
    entries = await api.wait_until_completed(task_ids)
    assert [entry["result"] for entry in entries] == [f"echo: {prompt}" for prompt in PROMPTS]
    assert [entry["attempts"] for entry in entries] == [1, 1, 1, 1]
    stats = await fake_model.stats()
    assert (stats.calls, stats.max_in_flight) == (4, 3)


@pytest.mark.parametrize(("workers", "concurrency"), [(1, 4), (2, 2), (4, 1)])
async def test_four_slots_run_four_prompts_at_once_on_however_many_workers(
    deployment: Deployment,
    kafka_view: KafkaView,
    fake_model: FakeModel,
    workers: int,
    concurrency: int,
) -> None:
    api = await deployment.start_api()
    await deployment.start_workers(workers, concurrency=concurrency)
    await kafka_view.wait_for_workers(workers)
    await fake_model.hold()

    task_ids = await api.submit(PROMPTS)
    await fake_model.wait_for_in_flight(4)
    await api.wait_for_states(task_ids, {("processing", 25): 4})

    await fake_model.release_all()
    await api.wait_until_completed(task_ids)
    assert (await fake_model.stats()).calls == 4


class TestOnePartition:
    @pytest.fixture
    def kafka(self, kafka_settings: KafkaSettings) -> KafkaSettings:
        return kafka_settings.model_copy(update={"task_partitions": 1})

    async def test_eight_records_of_one_partition_run_at_once_with_concurrency_8(
        self, deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
    ) -> None:
        api = await deployment.start_api()
        await deployment.start_worker(concurrency=8)
        await fake_model.hold()

        task_ids = await api.submit([f"prompt {number}" for number in range(8)])
        await fake_model.wait_for_in_flight(8)
        await api.wait_for_states(task_ids, {("processing", 25): 8})

        await fake_model.release_all()
        await api.wait_until_completed(task_ids)
        assert [record.partition for record in await kafka_view.records(kafka_view.topics.interactive)] == [0] * 8

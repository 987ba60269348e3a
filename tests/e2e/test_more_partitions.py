"""Partitions are added while tasks run: the order of steps that docs/operations.md gives."""

from aiokafka.admin import NewPartitions

from common.connections import create_admin
from common.settings import KafkaSettings, RedisSettings
from common.task import Lane
from common.topics import TopicNames
from tests.e2e.conftest import Deploy
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import looking_into_kafka

FEW, MANY = 6, 12


async def add_partitions(kafka: KafkaSettings) -> None:
    names = TopicNames(kafka.topic_prefix)
    admin = create_admin(kafka, "test")
    await admin.start()
    try:
        topics = [*(names.tasks(lane) for lane in Lane), names.results]
        await admin.create_partitions({topic: NewPartitions(MANY) for topic in topics})
    finally:
        await admin.close()


async def test_partitions_are_added_under_load_and_no_call_is_repeated(
    deploy: Deploy, kafka_settings: KafkaSettings, redis_settings: RedisSettings, fake_model: FakeModel
) -> None:
    few = kafka_settings.model_copy(update={"task_partitions": FEW})
    deployment = deploy(few, redis_settings, fake_model)
    api = await deployment.start_api()
    old = await deployment.start_workers(2, concurrency=4)
    async with looking_into_kafka(few) as view:
        await view.wait_for_workers(2)
        await fake_model.behave(latency_seconds=0.3)
        task_ids = await api.submit([f"before {number}" for number in range(120)])
        await fake_model.wait_for_calls(8)
        await add_partitions(few)
        # Then a rolling deploy with the new number: workers first, or the new partitions would wait for them.
        deployment.kafka = few.model_copy(update={"task_partitions": MANY})
        for worker in old:
            await deployment.start_worker(concurrency=4)
            worker.terminate()
            assert await worker.exit_status() == 0
        await view.wait_for_workers(2)
        newer_api = await deployment.start_api()
        task_ids += await newer_api.submit([f"after {number}" for number in range(2 * MANY)])
        entries = await api.wait_until_completed(task_ids, deadline=120)
        await view.wait_until_committed()
        assert {record.partition for record in await view.records(view.topics.interactive)} == set(range(MANY))
        # A record that is delivered again, for its offset was not committed yet, publishes what is stored once more.
        results = await view.records(view.topics.results)
        assert {record.key for record in results} == {task_id.encode() for task_id in task_ids}
    assert {entry["attempts"] for entry in entries} == {1}
    stats = await fake_model.stats()
    assert (stats.calls, stats.most_calls_of_one_prompt) == (len(task_ids), 1)

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer

from common.connections import create_admin, create_group_consumer
from common.settings import KafkaSettings, TaskSettings
from common.topics import ensure_topics, topic_specs
from tests.support.kafka_view import looking_into_kafka


@pytest.fixture
async def topics_made(kafka_settings: KafkaSettings) -> KafkaSettings:
    admin = create_admin(kafka_settings, "test")
    await admin.start()
    try:
        await ensure_topics(admin, topic_specs(kafka_settings, TaskSettings()))
    finally:
        await admin.close()
    return kafka_settings


async def test_records_are_read_as_they_were_written_as_often_as_asked(topics_made: KafkaSettings) -> None:
    async with looking_into_kafka(topics_made) as view:
        topic = view.topics.interactive
        assert await view.records(topic) == []
        await view.write(topic, [(0, b"a"), (0, b"b"), (5, b"\xff")])
        for _ in range(2):
            records = await view.records(topic)
            assert sorted((record.partition, record.value) for record in records) == [
                (0, b"a"),
                (0, b"b"),
                (5, b"\xff"),
            ]


async def test_the_group_is_seen_to_gain_and_lose_workers_and_to_commit(topics_made: KafkaSettings) -> None:
    async with looking_into_kafka(topics_made) as view:
        topic = view.topics.interactive
        await view.write(topic, [(0, b"a"), (1, b"b")])
        worker = create_group_consumer(topics_made, "test", view.topics.llm_group, session_timeout_seconds=6)
        worker.subscribe([topic])
        assert await view.working_members(view.topics.llm_group) == 0
        assert await view.lag(view.topics.llm_group, topic) == 2
        await worker.start()
        reading = asyncio.ensure_future(read_two(worker))
        await view.wait_for_workers(1)
        await reading
        with pytest.raises(AssertionError, match=r"waited 0\.1 s for every record to be committed.*left: \[2\]"):
            await view.wait_until_committed(deadline=0.1)
        await worker.commit()
        await view.wait_until_committed()
        await worker.stop()
        await view.wait_for_workers(0)
        with pytest.raises(AssertionError, match=r"waited 0\.1 s for 1 workers in the group.*there are \[0\]"):
            await view.wait_for_workers(1, deadline=0.1)


async def read_two(worker: AIOKafkaConsumer) -> None:
    for _ in range(2):
        await worker.getone()

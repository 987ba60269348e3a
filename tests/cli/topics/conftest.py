from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from common.connections import create_admin, create_reader
from common.setting_names import variable_name
from common.settings import KafkaSettings, TaskSettings
from common.topics import MAX_RESULT_RECORD_BYTES, TopicNames, ensure_topics, topic_specs

CLIENT_ID = "test"


@pytest.fixture
def names(kafka_settings: KafkaSettings) -> TopicNames:
    return TopicNames(kafka_settings.topic_prefix)


@pytest.fixture
async def admin(kafka_settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = create_admin(kafka_settings, CLIENT_ID)
    await admin.start()
    yield admin
    await admin.close()


@pytest.fixture
async def reader(kafka_settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    reader = create_reader(kafka_settings, CLIENT_ID)
    await reader.start()
    yield reader
    await reader.stop()


@pytest.fixture
async def producer(kafka_settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    # Idempotent, unlike the services': a test counts what it wrote, also where a new leader was late.
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_settings.bootstrap_servers,
        client_id=CLIENT_ID,
        acks="all",
        enable_idempotence=True,
        max_request_size=MAX_RESULT_RECORD_BYTES,
    )
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
async def topics(admin: AIOKafkaAdminClient, kafka_settings: KafkaSettings) -> None:
    await ensure_topics(admin, topic_specs(kafka_settings, TaskSettings()))


def variables(settings: KafkaSettings) -> dict[str, str]:
    return {
        variable_name("kafka", "bootstrap_servers"): settings.bootstrap_servers,
        variable_name("kafka", "topic_prefix"): settings.topic_prefix,
    }

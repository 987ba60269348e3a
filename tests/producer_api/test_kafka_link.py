"""The connection to Kafka comes, goes and comes back without a hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic

from cli.stack.ports import Ports
from common.connections import create_admin
from common.settings import KafkaSettings
from common.topics import TopicNames
from producer_api.__main__ import kafka_link
from producer_api.kafka_link import KafkaLink, KafkaUnavailable
from producer_api.settings import Settings
from tests.support.waiting import until


@pytest.fixture
async def admin(kafka_settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = create_admin(kafka_settings, "test-admin")
    await admin.start()
    yield admin
    await admin.close()


@asynccontextmanager
async def kept(link: KafkaLink) -> AsyncIterator[KafkaLink]:
    keeping = asyncio.create_task(link.keep())
    try:
        yield link
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


@pytest.fixture
async def link(kafka_settings: KafkaSettings) -> AsyncIterator[KafkaLink]:
    async with kept(kafka_link(Settings(kafka=kafka_settings))) as link:
        yield link


def connected(link: KafkaLink) -> bool:
    return link.hindrance is None


async def test_a_link_that_is_not_up_gives_no_producer(kafka_settings: KafkaSettings) -> None:
    link = kafka_link(Settings(kafka=kafka_settings))
    with pytest.raises(KafkaUnavailable, match="not connected yet"):
        _ = link.producer


async def test_connecting_makes_the_topics_and_knows_their_partitions(
    link: KafkaLink, kafka_settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    await until(lambda: connected(link))
    names = TopicNames(kafka_settings.topic_prefix)
    made = {name for name in await admin.list_topics() if name.startswith(kafka_settings.topic_prefix)}
    assert made == {names.interactive, names.batch, names.results, names.dead_letters}
    assert link.partitions(names.batch) == kafka_settings.task_partitions


async def test_a_producer_that_died_is_replaced(link: KafkaLink, kafka_settings: KafkaSettings) -> None:
    await until(lambda: connected(link))
    dead = link.producer
    dead._sender.sender_task.cancel()
    await until(lambda: connected(link) and link.producer is not dead, what="another producer")
    topic = TopicNames(kafka_settings.topic_prefix).interactive
    await link.producer.send_and_wait(topic, b"{}", partition=0)


async def test_a_topic_that_was_deleted_is_made_again(
    link: KafkaLink, kafka_settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    await until(lambda: connected(link))
    topic = TopicNames(kafka_settings.topic_prefix).batch
    first = link.producer
    await admin.delete_topics([topic])

    def replaced() -> bool:
        link.suspect(silent=False)
        return connected(link) and link.producer is not first

    await until(replaced, what="the link to notice")
    await link.producer.send_and_wait(topic, b"{}", partition=0)


async def test_unfit_topics_are_said_and_taken_when_mended(
    kafka_settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    topic = TopicNames(kafka_settings.topic_prefix).interactive
    await admin.create_topics([NewTopic(name=topic, num_partitions=1, replication_factor=1)])
    async with kept(kafka_link(Settings(kafka=kafka_settings))) as link:
        await until(lambda: link.hindrance == "Kafka's topics are unfit")
        with pytest.raises(KafkaUnavailable, match="unfit"):
            _ = link.producer
        await admin.create_partitions({topic: NewPartitions(kafka_settings.task_partitions)})
        await until(lambda: connected(link), what="the mended topic to be taken")


async def test_an_address_where_nothing_listens_is_tried_again_and_again(ports: Ports) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=f"127.0.0.1:{ports.free()}"))
    async with kept(kafka_link(settings)) as link:
        await until(lambda: link.hindrance == "Kafka is out of reach")


async def test_silence_stops_sending_until_a_probe_is_answered(link: KafkaLink) -> None:
    await until(lambda: connected(link))
    producer = link.producer
    link.suspect(silent=True)
    with pytest.raises(KafkaUnavailable, match="does not answer"):
        _ = link.producer
    await until(lambda: connected(link))
    assert link.producer is producer

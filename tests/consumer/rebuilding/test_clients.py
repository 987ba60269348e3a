"""A rebuild's clients end whatever became of their broker."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.stack.ports import Ports
from common.connections import create_admin
from common.settings import TaskSettings
from common.topics import TopicNames, ensure_topics, topic_specs
from consumer.rebuilding.clients import open_rebuild
from tests.support.backend import kafka_settings_for, unique_prefix
from tests.support.processes import Processes
from tests.support.servers import OwnServer, free_ports, own_kafka
from tests.support.waiting import until


@pytest.fixture
async def ports() -> AsyncIterator[Ports]:
    async with free_ports() as ports:
        yield ports


@pytest.fixture
async def broker(processes: Processes, ports: Ports, tmp_path: Path) -> OwnServer:
    return await own_kafka(processes, ports, tmp_path)


async def test_a_broker_that_went_away_ends_a_rebuild_and_not_the_coroutine_that_waits_for_it(
    broker: OwnServer, caplog: pytest.LogCaptureFixture
) -> None:
    """aiokafka's own stop would look like a cancellation: the worker would never rebuild again."""
    settings = kafka_settings_for(broker.address, unique_prefix())
    admin = create_admin(settings, "test")
    await admin.start()
    await ensure_topics(admin, topic_specs(settings, TaskSettings()))
    await admin.close()
    before = asyncio.all_tasks()
    opened = open_rebuild(
        settings,
        TaskSettings(),
        None,  # type: ignore[arg-type]  # nothing is written
        client_id="test",
        lease_seconds=5,
    )
    async with opened as rebuild:
        reader: AIOKafkaConsumer = cast("Any", rebuild)._reader
        topic = TopicPartition(TopicNames(settings.topic_prefix).results, 0)
        reader.assign([topic])
        reader.seek(topic, 0)
        await reader.getmany(topic, timeout_ms=100)
        await broker.process.stop()
        # One that failed waits a moment before the next one.
        await until(lambda: "Failed fetch messages" in caplog.text, what="fetches to fail")
    await until(lambda: asyncio.all_tasks() <= before, what="everything of the clients to end")

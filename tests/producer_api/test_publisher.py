"""Records in bulk: where they stand, and what becomes of each when some are not written."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from cli.stack.ports import Ports
from common.connections import create_admin
from common.settings import KafkaSettings
from common.task import Lane, new_task_id
from common.topics import TopicNames
from producer_api.__main__ import kafka_link
from producer_api.budget import Budget
from producer_api.kafka_link import KafkaLink
from producer_api.outgoing import OutgoingRecord, Place, Unwritten, Written
from producer_api.partitioning import PartitionCursor
from producer_api.publisher import Publisher
from producer_api.settings import Settings
from tests.support.backend import kafka_settings_for, unique_prefix
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.processes import Processes
from tests.support.servers import own_kafka
from tests.support.waiting import until

PARTITIONS = 6
# So many for each partition that each gets batches of its own.
BULK = 40 * PARTITIONS


class Desk:
    """A publisher on real Kafka, with the budget that its shares are taken from."""

    def __init__(self, settings: KafkaSettings, link: KafkaLink, *, timeout_seconds: float) -> None:
        self.names = TopicNames(settings.topic_prefix)
        self.link = link
        self.budget = Budget(max_bytes=2**30, max_records=100_000)
        self.publisher = Publisher(
            link=link,
            topics={lane: self.names.tasks(lane) for lane in Lane},
            cursors={lane: PartitionCursor(0) for lane in Lane},
            timeout_seconds=timeout_seconds,
        )

    async def publish(self, records: Sequence[OutgoingRecord]) -> Sequence[Written]:
        share = self.budget.share()
        share.grow(size_bytes=sum(len(record.value) for record in records), records=len(records))
        return await self.publisher.publish(Lane.INTERACTIVE, records, share)


@asynccontextmanager
async def desk_on(settings: KafkaSettings, *, timeout_seconds: float) -> AsyncIterator[Desk]:
    link = kafka_link(Settings(kafka=settings))
    keeping = asyncio.create_task(link.keep())
    try:
        await until(lambda: link.hindrance is None)
        yield Desk(settings, link, timeout_seconds=timeout_seconds)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


@pytest.fixture
async def desk(kafka_settings: KafkaSettings) -> AsyncIterator[Desk]:
    async with desk_on(kafka_settings, timeout_seconds=30) as desk:
        yield desk


@pytest.fixture
async def view(kafka_settings: KafkaSettings) -> AsyncIterator[KafkaView]:
    async with looking_into_kafka(kafka_settings) as view:
        yield view


def some(count: int, size: int = 100) -> list[OutgoingRecord]:
    """Records that cannot be compressed."""
    return [
        OutgoingRecord(new_task_id().encode(), os.urandom(size), [("number", str(number).encode())])
        for number in range(count)
    ]


def places_in(found: Sequence[ConsumerRecord]) -> dict[bytes, Place]:
    places = {record.key: Place(record.partition, record.offset) for record in found}
    assert len(places) == len(found), "a record was written twice"
    return places


def keyed(records: Sequence[OutgoingRecord], outcomes: Sequence[Written]) -> dict[bytes, Written]:
    return {record.key: outcome for record, outcome in zip(records, outcomes, strict=True)}


async def limit_batches(desk: Desk, settings: KafkaSettings, size_bytes: int) -> None:
    """Have the broker refuse larger batches, and return when its partitions do."""
    admin = create_admin(settings, "test-admin")
    await admin.start()
    limit = {"max.message.bytes": str(size_bytes)}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, desk.names.interactive, limit)])
    await admin.close()
    # One for each partition: the broker says yes before it has told them.
    await until(lambda: _are_refused(desk, some(PARTITIONS, 2 * size_bytes)), what="the topic's new limit")


async def _are_refused(desk: Desk, records: Sequence[OutgoingRecord]) -> bool:
    return list(await desk.publish(records)) == [Unwritten(too_large=True)] * len(records)


async def test_each_record_of_a_bulk_stands_where_its_outcome_says(desk: Desk, view: KafkaView) -> None:
    bulks = [some(BULK), some(BULK + 1), some(4 * BULK)]
    few = [some(1), some(7), some(3)]
    requests = [bulks[0], few[0], bulks[1], few[1], bulks[2], few[2]]
    outcomes = await asyncio.gather(*map(desk.publish, requests))
    told: dict[bytes, Written] = {}
    for records, outcome in zip(requests, outcomes, strict=True):
        told |= keyed(records, outcome)
    found = await view.records(view.topics.interactive)
    assert places_in(found) == told
    assert {record.key: (record.value, list(record.headers)) for record in found} == {
        record.key: (record.value, record.headers) for records in requests for record in records
    }
    assert (desk.budget.bytes_held, desk.budget.records_held) == (0, 0)


async def test_neighbours_in_bulk_stay_in_order_and_together(desk: Desk) -> None:
    outcomes = await desk.publish(some(BULK))
    by_partition = [outcomes[first : first + BULK // PARTITIONS] for first in range(0, BULK, BULK // PARTITIONS)]
    for partition, run in enumerate(by_partition):
        first = run[0]
        assert isinstance(first, Place)
        assert run == [Place(partition, first.offset + index) for index in range(len(run))]


async def test_bulk_larger_than_a_batch_may_be_goes_in_several(desk: Desk, view: KafkaView) -> None:
    records = some(17 * PARTITIONS, 90_000)
    records[20] = records[20]._replace(value=os.urandom(1_000_000))
    outcomes = await desk.publish(records)
    assert all(isinstance(outcome, Place) for outcome in outcomes)
    assert places_in(await view.records(view.topics.interactive)) == keyed(records, outcomes)


async def test_a_record_that_kafka_refuses_fails_alone_among_many(
    desk: Desk, view: KafkaView, kafka_settings: KafkaSettings
) -> None:
    await limit_batches(desk, kafka_settings, 20_000)
    # Each partition's records are too many bytes for one batch; two records are so by themselves.
    records = some(BULK, 1_000)
    refused = {0, BULK - 3}
    for index in refused:
        records[index] = records[index]._replace(value=os.urandom(30_000))

    async def publish_few() -> None:
        # None of these joins a batch that is refused.
        for _ in range(50):
            assert all(isinstance(outcome, Place) for outcome in await desk.publish(some(PARTITIONS)))

    outcomes, _ = await asyncio.gather(desk.publish(records), publish_few())
    assert {index for index, outcome in enumerate(outcomes) if outcome == Unwritten(too_large=True)} == refused
    told = {key: outcome for key, outcome in keyed(records, outcomes).items() if isinstance(outcome, Place)}
    assert len(told) == BULK - len(refused)
    keys = {record.key for record in records}
    # The rest was written while the limit was not known yet.
    found = [record for record in await view.records(view.topics.interactive) if record.key in keys]
    assert places_in(found) == told
    assert desk.link.hindrance is None
    assert (desk.budget.bytes_held, desk.budget.records_held) == (0, 0)


async def test_a_partition_that_takes_nothing_holds_up_no_other(kafka_settings: KafkaSettings) -> None:
    async with desk_on(kafka_settings, timeout_seconds=3) as desk:
        async with desk.publisher._turns[Lane.INTERACTIVE].at(2):
            outcomes = await desk.publish(some(BULK))
        per_partition = BULK // PARTITIONS
        stuck = range(2 * per_partition, 3 * per_partition)
        assert {index for index, outcome in enumerate(outcomes) if outcome == Unwritten()} == set(stuck)
        # What was not handed over is not written later, and nothing is held for it.
        assert (desk.budget.bytes_held, desk.budget.records_held) == (0, 0)
        again = await desk.publish(some(BULK))
        assert again[stuck[0]] == Place(2, 0)


async def test_bulk_that_is_not_acknowledged_in_time_is_held_until_the_client_gives_it_up(
    processes: Processes, ports: Ports, tmp_path: Path
) -> None:
    kafka = await own_kafka(processes, ports, tmp_path)
    async with desk_on(kafka_settings_for(kafka.address, unique_prefix()), timeout_seconds=1) as desk:
        kafka.process.freeze()
        outcomes = await desk.publish(some(BULK))
        assert list(outcomes) == [Unwritten()] * BULK
        assert desk.budget.records_held == BULK
        assert desk.link.hindrance is not None
        kafka.process.thaw()
        await until(lambda: desk.budget.records_held == 0, what="the client to give the records up")
        assert desk.budget.bytes_held == 0

"""The bounds within which the topic is read, and the repair of a redrive that was cut short."""

import asyncio
import time
from dataclasses import replace

import pytest

from common.connections import create_reader
from common.record import decode_task
from common.store.keys import Keys
from common.store.redriving import Redriven, RedriveReply, Redriving
from common.task import new_task_id
from producer_api.kafka_link import KafkaUnavailable
from producer_api.operator.letter_log import LetterLog, LogBusy, LogLimits
from producer_api.operator.letters import LetterFilter
from tests.producer_api.conftest import RESULT_TTL_SECONDS, Service
from tests.producer_api.operator.conftest import Graveyard, a_task
from tests.support.kafka_view import KafkaView
from tests.support.redis_client import Redis


def a_log(service: Service, graveyard: Graveyard, **limits: float) -> LetterLog:
    async def partitions_of(_topic: str) -> set[int]:
        return set(range(6))

    return LetterLog(
        create_reader=lambda: create_reader(service.kafka, "test"),
        partitions_of=partitions_of,
        topic=graveyard.names.dead_letters,
        limits=LogLimits(**limits),  # type: ignore[arg-type]  # counts are given as counts
    )


@pytest.mark.parametrize("bound", ["records", "bytes"])
async def test_a_look_ends_at_its_bound_and_goes_on_where_it_ended(
    service: Service, graveyard: Graveyard, bound: str
) -> None:
    tenant, before = new_task_id(), time.time()
    positions = [await graveyard.bury(a_task(tenant=tenant), partition=number % 6) for number in range(7)]
    wanted = LetterFilter(tenant=tenant)
    log = a_log(service, graveyard, **{bound: 2 if bound == "records" else 500})
    found: list[str] = []
    scans = 0
    async with log.open() as opened:
        cursor = await opened.begin(before)
    while True:
        async with log.open() as opened:
            page = await opened.scan(cursor, wanted, limit=100)
        scans += 1
        assert page.scanned <= 2
        found += [str(letter.position) for letter in page.letters]
        if page.rest is None:
            break
        assert page.rest.remaining == cursor.remaining - page.scanned
        cursor = page.rest
    assert sorted(found) == sorted(positions)
    assert scans >= 4


async def test_no_more_readers_than_may_are_open_at_once(service: Service, graveyard: Graveyard) -> None:
    log = a_log(service, graveyard, readers=1, queue_seconds=0.05)
    async with log.open():
        with pytest.raises(LogBusy):
            async with log.open():
                pytest.fail("a second reader")
    async with log.open() as opened:
        assert (await opened.begin(None)).remaining >= 0


async def test_a_look_that_takes_too_long_is_ended(service: Service, graveyard: Graveyard) -> None:
    log = a_log(service, graveyard, seconds=0.5)
    with pytest.raises(KafkaUnavailable):
        async with log.open():
            await asyncio.Event().wait()


async def test_a_redrive_that_died_before_kafka_is_repaired_by_repeating_it(
    graveyard: Graveyard, kafka_view: KafkaView, redis: Redis, keys: Keys
) -> None:
    task = a_task()
    await graveyard.end(task)
    position = await graveyard.bury(task)
    died = Redriving(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS)
    assert await died.redrive([replace(task, expires_at=time.time() + 600)]) == [RedriveReply(Redriven.STARTED, 2)]
    assert await graveyard.fates(positions=[position]) == [("again", 2)]
    records = await kafka_view.records(kafka_view.topics.interactive)
    [record] = [record for record in records if record.key == task.task_id.encode()]
    assert decode_task(record.value).run == 2

"""The bounds within which the topic is read, and the repair of a redrive that was cut short."""

import asyncio
import time
from dataclasses import replace

import pytest
from aiokafka.admin import NewTopic

from common.connections import create_admin, create_reader
from common.record import decode_task
from common.store.keys import Keys
from common.store.redriving import Redriven, RedriveReply, Redriving
from common.task import new_task_id
from common.topics import TopicNames
from producer_api.kafka_link import KafkaUnavailable
from producer_api.operator.cursor import parse_cursor
from producer_api.operator.letter_log import LetterLog, LogBusy, LogLimits
from producer_api.operator.letters import LetterFilter, Position, Source
from tests.producer_api.conftest import RESULT_TTL_SECONDS, Service
from tests.producer_api.operator.conftest import Graveyard, a_task
from tests.support.kafka_view import KafkaView
from tests.support.redis_client import Redis
from tests.support.unreadable_records import write_unreadable


def a_log(service: Service, graveyard: Graveyard, topic: str = "", /, **limits: float) -> LetterLog:
    async def partitions_of(_topic: str) -> set[int]:
        return set(range(6))

    return LetterLog(
        create_reader=lambda: create_reader(service.kafka, "test"),
        partitions_of=partitions_of,
        topic=topic or graveyard.names.dead_letters,
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


@pytest.fixture
async def own_topic(service: Service) -> str:
    """A topic where no other test looks."""
    name = f"{TopicNames(service.kafka.topic_prefix).dead_letters}-{new_task_id()}"
    admin = create_admin(service.kafka, "test")
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=6, replication_factor=1)])
    await admin.close()
    return name


async def test_a_letter_that_cannot_be_read_is_passed_over(
    service: Service, graveyard: Graveyard, own_topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = round(time.time() * 1000)
    await graveyard.producer.send_and_wait(own_topic, b"first", partition=0, timestamp_ms=now)
    # The client reads a batch from its beginning: what stands behind the broken record is out of reach as well.
    await write_unreadable(graveyard.producer, own_topic, 0, [b"second", None, b"third"], timestamp_ms=now)
    await graveyard.producer.send_and_wait(own_topic, b"last", partition=0, timestamp_ms=now)
    log = a_log(service, graveyard, own_topic)
    async with log.open() as opened:
        page = await opened.scan(await opened.begin(None), LetterFilter(), limit=100)
        assert [letter.value for letter in page.letters] == [b"first", b"second", b"last"]
        assert page.rest is None
        assert await opened.letter_at(Position(0, 2)) is None
        assert await opened.letter_at(Position(0, 1)) == page.letters[1]
        assert await opened.original(Source(own_topic, 0, 3)) is None
    assert "poison" not in capsys.readouterr().out


async def test_a_look_that_goes_on_behind_the_end_is_over(
    service: Service, graveyard: Graveyard, own_topic: str
) -> None:
    await graveyard.producer.send_and_wait(own_topic, b"only", partition=0)
    log = a_log(service, graveyard, own_topic)
    for begin in (0, 10**17):
        cursor = parse_cursor(f"0.{begin}.{10**18 - 1}")
        assert cursor is not None
        async with log.open() as opened:
            page = await opened.scan(cursor, LetterFilter(), limit=100)
        assert (len(page.letters), page.rest) == (0 if begin else 1, None)


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

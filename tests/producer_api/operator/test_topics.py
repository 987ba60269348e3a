"""`/v1/operator/topics` on real Kafka."""

from collections.abc import AsyncIterator

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from common.connections import create_producer
from common.topics import MAX_DEAD_LETTER_BYTES, TopicNames
from producer_api.operator.monitoring_schemas import RecordViews, TopicViews
from tests.producer_api.conftest import Service
from tests.support.api import Api

ROOT = "/v1/operator/topics"


@pytest.fixture
async def producer(service: Service) -> AsyncIterator[AIOKafkaProducer]:
    async with create_producer(service.kafka, "test", max_record_bytes=MAX_DEAD_LETTER_BYTES) as producer:
        yield producer


@pytest.fixture
def names(service: Service) -> TopicNames:
    return TopicNames(service.kafka.topic_prefix)


async def test_every_topic_is_shown_with_offsets_and_lag(api: Api, names: TopicNames) -> None:
    await api.submit(["a prompt"] * 3)
    answer = await api.ask("GET", ROOT)
    assert answer.status == 200
    assert "a prompt" not in str(answer.body)
    topics = {topic.topic: topic for topic in TopicViews.model_validate(answer.body).topics}
    assert set(topics) == {names.interactive, names.batch, names.results, names.dead_letters}
    interactive = topics[names.interactive]
    ranges = interactive.partitions
    assert interactive.records == sum(one.end - one.begin for one in ranges) >= 3
    # Nobody works here.
    assert [(group.group, group.lag, group.members) for group in interactive.groups] == [
        (names.llm_group, interactive.records, 0)
    ]
    assert sum(one.lag[names.llm_group] for one in ranges) == interactive.records
    assert topics[names.results].groups == []


async def test_the_newest_records_are_shown_newest_first_and_their_values_when_asked_for(
    api: Api, names: TopicNames, producer: AIOKafkaProducer
) -> None:
    values = [orjson.dumps({"n": 1}), b"no json", b"\xff", None]
    places = [
        await producer.send_and_wait(names.batch, value, key=b"k", headers=[("who", b"me")], partition=1)
        for value in values
    ]
    path = f"{ROOT}/{names.batch}/records"
    answer = await api.ask("GET", path, params={"partition": "1", "limit": "3", "content": "true"})
    shown = RecordViews.model_validate(answer.body)
    assert [record.offset for record in shown.records] == [place.offset for place in places[:0:-1]]
    assert [(record.value, record.value_encoding) for record in shown.records] == [
        (None, "text"),
        ("/w==", "base64"),
        ("no json", "text"),
    ]
    assert [(record.key, record.headers, record.size_bytes) for record in shown.records][2] == ("k", {"who": "me"}, 7)
    assert not shown.is_cut
    bare = await api.ask("GET", path, params={"partition": "1"})
    assert all("value" not in record for record in bare.body["records"])


async def test_records_of_all_partitions_come_in_the_order_of_their_times(
    api: Api, names: TopicNames, producer: AIOKafkaProducer
) -> None:
    for partition in (0, 1, 0):
        await producer.send_and_wait(names.batch, b"x", key=b"k", partition=partition)
    answer = await api.ask("GET", f"{ROOT}/{names.batch}/records", params={"limit": "100"})
    records = RecordViews.model_validate(answer.body).records
    assert {record.partition for record in records} >= {0, 1}
    times = [record.timestamp for record in records]
    assert times == sorted(times, reverse=True)


async def test_as_many_records_come_as_were_asked_for_where_every_partition_has_some(
    api: Api, names: TopicNames, producer: AIOKafkaProducer
) -> None:
    topics = TopicViews.model_validate((await api.ask("GET", ROOT)).body).topics
    [batch] = [topic for topic in topics if topic.topic == names.batch]
    for one in batch.partitions * 2:
        await producer.send_and_wait(names.batch, b"x", key=b"k", partition=one.partition)
    wanted = len(batch.partitions) + 1
    answer = await api.ask("GET", f"{ROOT}/{names.batch}/records", params={"limit": str(wanted)})
    assert len(answer.body["records"]) == wanted


async def test_values_that_are_large_together_are_cut(api: Api, names: TopicNames, producer: AIOKafkaProducer) -> None:
    for _ in range(3):
        await producer.send_and_wait(names.dead_letters, b"x" * 4_500_000, partition=0)
        await producer.send_and_wait(names.dead_letters, b"y" * 4_500_000, partition=1)
    answer = await api.ask("GET", f"{ROOT}/{names.dead_letters}/records", params={"limit": "100"})
    shown = RecordViews.model_validate(answer.body)
    assert shown.is_cut
    assert shown.records


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nothing/records", 404, "topic_not_found"),
        ("/BATCH/records?partition=999", 400, "invalid_value"),
        ("/BATCH/records?partition=-1", 400, "invalid_value"),
        ("/BATCH/records?limit=101", 400, "invalid_value"),
        ("/BATCH/records?values=true", 400, "unknown_parameter"),
    ],
)
async def test_what_is_asked_for_wrongly_is_refused(
    api: Api, names: TopicNames, path: str, status: int, code: str
) -> None:
    answer = await api.ask("GET", ROOT + path.replace("BATCH", names.batch))
    assert (answer.status, answer.body["error"]["code"]) == (status, code)

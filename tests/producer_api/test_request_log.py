"""Reading requests back, from a real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.admin import NewTopic

from common.connections import create_admin, create_producer, create_reader
from common.record import encode_task
from common.settings import KafkaSettings
from common.store.state import TaskState
from common.task import RESPONSES, Lane, Status, Task, new_task_id
from common.topics import MAX_TASK_RECORD_BYTES, TopicNames
from producer_api.kafka_link import KafkaUnavailable
from producer_api.request_cache import RequestCache
from producer_api.request_log import FETCH_BYTES, RequestLog
from tests.producer_api.conftest import Service
from tests.support.backend import kafka_settings_for, topics_deleted_afterwards, unique_prefix


@asynccontextmanager
async def a_log(
    kafka: KafkaSettings, *, cache_bytes: int = 0, seconds: float = 30.0, made: list[object] | None = None
) -> AsyncIterator[RequestLog]:
    def create() -> Any:
        if made is not None:
            made.append(object())
        return create_reader(kafka, "test", fetch_bytes=FETCH_BYTES)

    log = RequestLog(
        create_reader=create,
        names=TopicNames(kafka.topic_prefix),
        cache=RequestCache(max_bytes=cache_bytes),
        seconds=seconds,
    )
    try:
        yield log
    finally:
        await log.aclose()


def a_task(prompt: str) -> Task:
    now = time.time()
    return Task(
        task_id=new_task_id(), tenant="t", endpoint=RESPONSES, body={"input": prompt}, metadata={"k": "v"},
        created_at=now, expires_at=now + 60,
    )  # fmt: skip


def state_of(task: Task, partition: int | None, offset: int | None) -> TaskState:
    return TaskState(
        task.task_id, Status.QUEUED, 1, "t", Lane.INTERACTIVE, 0, 0, task.created_at, task.expires_at,
        partition=partition, offset=offset,
    )  # fmt: skip


@pytest.fixture
async def written(service: Service) -> list[tuple[Task, TaskState]]:
    """Records in several partitions, neighbours among them, one of them as large as may be."""
    tasks = [a_task(f"prompt {number}") for number in range(8)]
    tasks.append(a_task("x" * 900_000))
    states = []
    names = TopicNames(service.kafka.topic_prefix)
    async with create_producer(service.kafka, "test", max_record_bytes=MAX_TASK_RECORD_BYTES) as producer:
        for number, task in enumerate(tasks):
            place = await producer.send_and_wait(
                names.interactive, encode_task(task), key=task.task_id.encode(), partition=number % 3
            )
            states.append(state_of(task, place.partition, place.offset))
    return list(zip(tasks, states, strict=True))


async def test_every_request_is_read_where_its_record_is(
    service: Service, written: list[tuple[Task, TaskState]]
) -> None:
    made: list[object] = []
    async with a_log(service.kafka, made=made) as log:
        for task, state in [*written, *reversed(written)]:
            request = await log.find(state)
            assert request == (RESPONSES, task.body, {"k": "v"})
    assert len(made) == 1


async def test_many_at_once_are_read_too(service: Service, written: list[tuple[Task, TaskState]]) -> None:
    async with a_log(service.kafka, cache_bytes=10_000_000) as log:
        found = await asyncio.gather(*(log.find(state) for _, state in written * 5))
    assert [request and request.body for request in found] == [task.body for task, _ in written * 5]


async def test_another_record_in_the_place_is_not_taken_for_it(
    service: Service, written: list[tuple[Task, TaskState]]
) -> None:
    (_, first), (_, second) = written[:2]
    async with a_log(service.kafka) as log:
        assert await log.find(first._replace(partition=second.partition, offset=second.offset)) is None
        assert await log.find(first._replace(partition=None)) is None
        assert await log.find(first) is not None


async def test_the_record_itself_is_read_in_its_place_though_the_request_is_known(
    service: Service, written: list[tuple[Task, TaskState]]
) -> None:
    (task, state), (_, other) = written[:2]
    async with a_log(service.kafka, cache_bytes=10_000_000) as log:
        assert await log.find(state) is not None
        record = await log.record(state)
        assert record is not None
        assert (record.partition, record.offset) == (state.partition, state.offset)
        assert record.value == encode_task(task)
        for place in ((other.partition, other.offset), (None, state.offset), (0, 10**6)):
            assert await log.record(state._replace(partition=place[0], offset=place[1])) is None


async def test_a_place_that_the_log_does_not_have_has_nothing_and_harms_no_other(
    service: Service, written: list[tuple[Task, TaskState]]
) -> None:
    _, state = written[0]
    async with a_log(service.kafka) as log:
        assert await log.find(state_of(a_task("x"), 0, 10**6)) is None
        assert await log.find(state) is not None


@pytest.mark.parametrize("offset", [0, 10**6])
async def test_a_log_without_records_has_nothing(service: Service, offset: int) -> None:
    own = kafka_settings_for(service.kafka.bootstrap_servers, unique_prefix())
    async with topics_deleted_afterwards(own) as kafka, a_log(kafka) as log:
        admin = create_admin(kafka, "test")
        await admin.start()
        try:
            await admin.create_topics([NewTopic(TopicNames(kafka.topic_prefix).interactive, 1, 1)])
        finally:
            await admin.close()
        assert await log.find(state_of(a_task("x"), 0, offset)) is None


async def test_a_log_that_does_not_answer_in_time_is_unavailable_and_is_asked_anew(
    service: Service, written: list[tuple[Task, TaskState]]
) -> None:
    _, state = written[0]
    made: list[object] = []
    async with a_log(service.kafka, seconds=0.0, made=made) as log:
        for _ in range(2):
            with pytest.raises(KafkaUnavailable):
                await log.find(state)
    async with a_log(service.kafka, made=made) as log:
        assert await log.find(state) is not None


async def test_what_is_at_hand_needs_no_kafka(service: Service, written: list[tuple[Task, TaskState]]) -> None:
    away = service.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:1", "request_timeout_seconds": 1.0})
    task, state = written[0]
    async with a_log(service.kafka, cache_bytes=10_000) as log:
        known = await log.find(state)
    assert known is not None
    async with a_log(away, cache_bytes=10_000, seconds=3.0) as log:
        log.keep(task.task_id, known)
        assert await log.find(state) == known
        with pytest.raises(KafkaUnavailable):
            await log.find(replace_id(state))


def replace_id(state: TaskState) -> TaskState:
    return state._replace(task_id=new_task_id())

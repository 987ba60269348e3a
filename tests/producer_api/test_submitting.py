"""A 202, and what Kafka and Redis hold then."""

import time
import uuid
from typing import Any

import orjson
import pytest

from common.record import decode_task
from common.store.keys import Keys
from common.task import Lane, Task
from tests.producer_api.conftest import DEADLINE_SECONDS, MAX_PROMPTS, RESULT_TTL_SECONDS, Service
from tests.support.api import Api
from tests.support.kafka_view import KafkaView
from tests.support.redis_client import Redis

PARTITIONS = 6
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def records_of(view: KafkaView, task_ids: list[str], lane: Lane = Lane.INTERACTIVE) -> list[Any]:
    """The records of some tasks, in the order of their ids as given."""
    found = {record.key.decode(): record for record in await view.records(view.topics.tasks(lane))}
    return [found[task_id] for task_id in task_ids]


async def written(view: KafkaView, task_ids: list[str]) -> list[Task]:
    return [decode_task(record.value) for record in await records_of(view, task_ids)]


async def test_every_prompt_gets_a_fresh_uuid7_in_the_order_given(api: Api, kafka_view: KafkaView) -> None:
    texts = [f"prompt number {number}" for number in range(50)]
    task_ids = await api.submit(texts)
    assert {uuid.UUID(task_id).version for task_id in task_ids} == {7}
    assert all(str(uuid.UUID(task_id)) == task_id for task_id in task_ids)
    tasks = await written(kafka_view, task_ids)
    assert [task.body["messages"] for task in tasks] == [[{"role": "user", "content": text}] for text in texts]
    assert set(task_ids).isdisjoint(await api.submit(texts))


async def test_a_record_is_readable_json_under_its_id_with_its_headers(api: Api, kafka_view: KafkaView) -> None:
    began = time.time()
    [task_id] = await api.submit(["Wie geht's? ☀"], deadline_seconds=90)
    [record] = await records_of(kafka_view, [task_id])
    value = orjson.loads(record.value)
    assert began - 0.01 <= value["created_at"] <= time.time()
    assert value == {
        "version": 1,
        "task_id": task_id,
        "run": 1,
        "tenant": "local",
        "lane": "interactive",
        "endpoint": "/v1/chat/completions",
        "body": {"messages": [{"role": "user", "content": "Wie geht's? ☀"}]},
        "metadata": {},
        "created_at": value["created_at"],
        "expires_at": pytest.approx(value["created_at"] + 90, abs=0.002),
        "stream": False,
        "batch": None,
    }
    assert "Wie geht's? ☀".encode() in record.value
    assert dict(record.headers) == {
        "task-id": task_id.encode(),
        "tenant": b"local",
        "content-type": b"application/json",
    }


async def test_an_object_goes_through_as_it_came_but_for_its_metadata(api: Api, kafka_view: KafkaView) -> None:
    body = {
        "messages": [
            {"role": "system", "content": "Be brief.", "name": "boss"},
            {
                "role": "user",
                "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "u"}}],
            },
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {}}]},
        ],
        "model": "m-1",
        "temperature": 0.25,
        "seed": 2**63 - 1,
        "n": 2,
        "stop": None,
        "stream": False,
        "an_unknown_field": {"deep": [1, 2.5, True, None, "é"]},
    }
    [task_id] = await api.submit([{**body, "metadata": {"customer": "42", "empty": ""}}])
    [task] = await written(kafka_view, [task_id])
    assert task.body == body
    assert list(task.body) == list(body)
    assert task.metadata == {"customer": "42", "empty": ""}


async def test_the_request_s_model_is_for_prompts_that_name_none(api: Api, kafka_view: KafkaView) -> None:
    chat: dict[str, Any] = {"messages": [{"role": "user", "content": "x"}]}
    task_ids = await api.submit(["x", chat, {**chat, "model": "own"}], model="default")
    assert [task.body["model"] for task in await written(kafka_view, task_ids)] == ["default", "default", "own"]
    task_ids = await api.submit(["x", chat])
    assert ["model" in task.body for task in await written(kafka_view, task_ids)] == [False, False]


async def test_null_is_as_good_as_absent(api: Api, kafka_view: KafkaView) -> None:
    chat = {"messages": [{"role": "user", "content": "x"}], "model": None, "stream": None, "metadata": None}
    absent: dict[str, Any] = dict.fromkeys(["model", "stream", "lane", "deadline_seconds"])
    task_ids = await api.submit([chat], **{**absent, "model": "default"})
    task_ids += await api.submit([chat], **absent)
    tasks = await written(kafka_view, task_ids)
    assert [task.body for task in tasks] == [
        {"model": "default", "messages": chat["messages"]},
        {"messages": chat["messages"]},
    ]
    assert [task.lane for task in tasks] == [Lane.INTERACTIVE, Lane.INTERACTIVE]


async def test_the_batch_lane_has_a_topic_of_its_own(api: Api, kafka_view: KafkaView) -> None:
    task_ids = await api.submit(["in bulk"], lane="batch")
    [record] = await records_of(kafka_view, task_ids, Lane.BATCH)
    assert decode_task(record.value).lane is Lane.BATCH
    assert (await api.task(task_ids[0]))["lane"] == "batch"


@pytest.mark.parametrize(("sent", "kept"), [(TRACEPARENT, TRACEPARENT), ("not a trace", None)])
async def test_a_client_s_trace_goes_along(api: Api, kafka_view: KafkaView, sent: str, kept: str | None) -> None:
    answer = await api.ask("POST", "/v1/tasks", json={"prompts": ["x"]}, headers={"traceparent": sent})
    [record] = await records_of(kafka_view, [answer.body["tasks"][0]["task_id"]])
    found = dict(record.headers).get("traceparent")
    assert found == (None if kept is None else kept.encode())


async def test_neighbours_go_to_consecutive_partitions_from_request_to_request(api: Api, kafka_view: KafkaView) -> None:
    task_ids = await api.submit(["x"] * 4) + await api.submit(["x"] * 3) + await api.submit(["x"])
    partitions = [record.partition for record in await records_of(kafka_view, task_ids)]
    assert partitions == [(partitions[0] + index) % PARTITIONS for index in range(8)]


async def test_bulk_fills_partitions_in_runs_and_all_alike(api: Api, kafka_view: KafkaView) -> None:
    task_ids = await api.submit(["x"] * 600)
    records = await records_of(kafka_view, task_ids)
    partitions = [record.partition for record in records]
    assert partitions == [(partitions[0] + index // 100) % PARTITIONS for index in range(600)]
    for start in range(0, 600, 100):
        offsets = [record.offset for record in records[start : start + 100]]
        assert offsets == list(range(offsets[0], offsets[0] + 100))


async def test_an_accepted_task_is_shown_as_queued_with_the_place_of_its_record(
    service: Service, kafka_view: KafkaView, redis: Redis, keys: Keys
) -> None:
    [task_id] = await service.api.submit(["x"])
    [record] = await records_of(kafka_view, [task_id])
    fields = await redis.hgetall(keys.task(task_id))
    assert (fields[b"status"], fields[b"run"], fields[b"tenant"]) == (b"queued", b"1", b"local")
    assert (int(fields[b"partition"]), int(fields[b"offset"])) == (record.partition, record.offset)
    lives_on = await redis.ttl(keys.task(task_id))
    assert DEADLINE_SECONDS < lives_on <= DEADLINE_SECONDS + RESULT_TTL_SECONDS


async def test_as_many_prompts_as_allowed_are_taken_at_once(api: Api, kafka_view: KafkaView) -> None:
    task_ids = await api.submit([f"prompt {number}" for number in range(MAX_PROMPTS)])
    tasks = await written(kafka_view, task_ids)
    assert [task.body["messages"][0]["content"] for task in tasks] == [f"prompt {n}" for n in range(MAX_PROMPTS)]
    assert await api.states(task_ids) == {("queued", 0): MAX_PROMPTS}


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer anything"}, {"authorization": "Basic eDp5"}])
async def test_without_keys_anyone_is_the_local_tenant(
    api: Api, kafka_view: KafkaView, headers: dict[str, str]
) -> None:
    answer = await api.ask("POST", "/v1/tasks", json={"prompts": ["x"]}, headers=headers)
    assert answer.status == 202
    [task] = await written(kafka_view, [answer.body["tasks"][0]["task_id"]])
    assert task.tenant == "local"

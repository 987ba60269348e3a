"""`Idempotency-Key` as its clients see it; what happens when processes and servers fail is shown end to end."""

import asyncio
import uuid
from typing import Any

import pytest

from common.store.keys import Keys
from tests.producer_api.conftest import Service
from tests.support.api import Answer, Api
from tests.support.kafka_view import KafkaView


def a_key() -> str:
    return f"key-{uuid.uuid4()}"


def ids_of(answer: Answer) -> list[str]:
    assert answer.status == 202, answer
    return [entry["task_id"] for entry in answer.body["tasks"]]


async def test_a_repeat_is_answered_alike_and_writes_nothing(api: Api, kafka_view: KafkaView) -> None:
    key = a_key()
    first = await api.try_submit_as(key, ["a", "b"], lane="batch")
    written = len(await kafka_view.records(kafka_view.topics.batch))
    again = await api.try_submit_as(key, ["a", "b"], lane="batch")
    assert (again.status, again.body) == (202, first.body)
    assert len(await kafka_view.records(kafka_view.topics.batch)) == written


async def test_requests_at_once_with_one_key_are_written_once(api: Api, kafka_view: KafkaView) -> None:
    key, prompts = a_key(), [f"prompt {number}" for number in range(300)]
    before = len(await kafka_view.records(kafka_view.topics.batch))
    answers = await asyncio.gather(*(api.try_submit_as(key, prompts, lane="batch") for _ in range(8)))
    first = ids_of(answers[0])
    assert [ids_of(answer) for answer in answers] == [first] * 8
    records = await kafka_view.records(kafka_view.topics.batch)
    assert len(records) == before + 300
    assert set(first) <= {record.key.decode() for record in records}


@pytest.mark.parametrize(
    "other",
    [{"prompts": ["b"]}, {"prompts": ["a"], "lane": "batch"}, {"prompts": ["a"], "deadline_seconds": 60}],
    ids=["other prompts", "another lane", "another deadline"],
)
async def test_another_request_with_the_key_is_a_conflict_that_is_not_to_be_repeated(
    api: Api, other: dict[str, Any]
) -> None:
    key = a_key()
    ids_of(await api.try_submit_as(key, ["a"]))
    answer = await api.try_submit_as(key, **other)
    assert answer.status == 409
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers
    assert answer.body["error"] == {
        "message": "This Idempotency-Key was sent with another request. Give each request a key of its own.",
        "type": "invalid_request_error",
        "param": "Idempotency-Key",
        "code": "idempotency_key_reused",
    }


async def test_other_keys_and_no_key_are_other_requests(api: Api) -> None:
    answers = [
        await api.try_submit_as(a_key(), ["a"]),
        await api.try_submit_as(a_key(), ["a"]),
        await api.try_submit(["a"]),
    ]
    assert len({ids_of(answer)[0] for answer in answers}) == 3


async def test_a_request_that_is_refused_for_what_it_says_leaves_its_key_free(api: Api) -> None:
    key = a_key()
    assert (await api.try_submit_as(key, [""])).status == 400
    assert (await api.try_submit_as(key, ["x" * 30_000])).status == 400
    ids_of(await api.try_submit_as(key, ["a"]))


@pytest.mark.parametrize("key", ["k", "!~", "k" * 255])
async def test_visible_ascii_up_to_255_is_a_key(api: Api, key: str) -> None:
    first = await api.try_submit_as(key, ["the same"])
    assert ids_of(await api.try_submit_as(key, ["the same"])) == ids_of(first)


@pytest.mark.parametrize("key", ["", " ", "two words", "k" * 256, "clé", "a\tb"])
async def test_anything_else_is_refused_without_being_quoted(api: Api, key: str) -> None:
    answer = await api.try_submit_as(key, ["a"])
    assert (answer.status, answer.body["error"]["param"]) == (400, "Idempotency-Key")
    assert answer.body["error"]["message"].startswith("Send one Idempotency-Key of 1 to 255 visible ASCII characters")


async def test_two_keys_are_none(api: Api) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await api.ask("POST", "/v1/tasks", json={"prompts": ["a"]}, headers=headers)
    assert answer.status == 400


async def test_the_client_s_text_is_in_no_key_of_the_store_and_in_no_log(
    api: Api, service: Service, redis: Any, keys: Keys
) -> None:
    key = a_key()
    ids_of(await api.try_submit_as(key, ["a"]))
    assert (await api.try_submit_as(key, ["b"])).status == 409
    assert await redis.exists(keys.idempotency("local", key)) == 1
    assert [name async for name in redis.scan_iter(f"*{key}*")] == []
    assert key not in service.process.log()


async def test_the_header_is_described(api: Api) -> None:
    description = (await api.ask("GET", "/openapi.json")).body
    operation = description["paths"]["/v1/tasks"]["post"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["Idempotency-Key"]
    assert "409" in operation["responses"]

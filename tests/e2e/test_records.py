"""What an operator sees in the topics with any Kafka tool: JSON values and text headers."""

from typing import Any

import orjson
from aiokafka import ConsumerRecord

from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView

TASK_FIELDS = {
    "version",
    "task_id",
    "run",
    "tenant",
    "lane",
    "endpoint",
    "body",
    "metadata",
    "created_at",
    "expires_at",
    "stream",
    "batch",
}
RESULT_FIELDS = {
    "version",
    "task_id",
    "tenant",
    "lane",
    "run",
    "attempt",
    "token",
    "status",
    "endpoint",
    "model",
    "response",
    "error",
    "usage",
    "metadata",
    "batch",
    "attempts",
    "created_at",
    "started_at",
    "finished_at",
}


def value(record: ConsumerRecord) -> dict[str, Any]:
    decoded: dict[str, Any] = orjson.loads(record.value)
    return decoded


async def test_a_task_and_its_result_are_readable_records_that_carry_the_request_and_the_answer_verbatim(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=1)
    prompt = {
        "messages": [{"role": "user", "content": "grüße 🎈"}],
        "model": "some-model",
        "temperature": 0.25,
        "unheard_of": {"passed": ["through"]},
        "metadata": {"order": "17"},
    }
    [task_id] = await api.submit([prompt])
    [entry] = await api.wait_until_completed([task_id])

    [record] = await kafka_view.records(kafka_view.topics.interactive)
    task = value(record)
    assert set(task) >= TASK_FIELDS
    assert (task["version"], task["task_id"], task["run"]) == (1, task_id, 1)
    assert (task["tenant"], task["lane"], task["endpoint"]) == ("local", "interactive", "/v1/chat/completions")
    assert task["body"] == {name: prompt[name] for name in prompt if name != "metadata"}
    assert task["metadata"] == {"order": "17"}
    assert "grüße 🎈" in record.value.decode()
    headers = {name: content.decode() for name, content in record.headers}
    assert headers["task-id"] == task_id
    assert headers["tenant"] == "local"
    assert headers["content-type"] == "application/json"

    [call] = await fake_model.calls()
    assert call.body == task["body"]

    [published] = await kafka_view.records(kafka_view.topics.results)
    result = value(published)
    assert published.key.decode() == task_id
    assert set(result) >= RESULT_FIELDS
    assert (result["version"], result["task_id"], result["status"], result["error"]) == (1, task_id, "completed", None)
    assert result["response"]["status_code"] == 200
    assert result["response"]["body"]["choices"][0]["message"]["content"] == entry["result"] == "echo: grüße 🎈"
    assert result["metadata"] == {"order": "17"}
    assert result["usage"] == entry["usage"]


async def test_a_poison_record_goes_to_dead_letters_and_its_neighbours_go_on(
    deployment: Deployment, kafka_view: KafkaView
) -> None:
    api = await deployment.start_api()
    await kafka_view.write(
        kafka_view.topics.interactive, [(0, b"\xff not a record"), (0, b'{"version": 1}'), (1, b"[]")]
    )
    task_ids = await api.submit([f"prompt {number}" for number in range(48)])
    await deployment.start_worker(concurrency=4)
    await api.wait_until_completed(task_ids)

    await kafka_view.wait_until_committed()
    dead = await kafka_view.records(kafka_view.topics.dead_letters)
    assert sorted(record.value for record in dead) == sorted([b"\xff not a record", b'{"version": 1}', b"[]"])
    for record in dead:
        headers = {name: content.decode() for name, content in record.headers}
        assert headers["source-topic"] == kafka_view.topics.interactive
        assert headers["reason"]

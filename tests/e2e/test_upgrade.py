"""A rolling deploy: for a while workers of two releases are in one group, and records of both in one topic."""

import time
from collections.abc import Sequence
from typing import Any

import orjson

from common.record import encode_task
from common.task import Task, new_task_id
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.next_worker import MODULE as NEXT_WORKER, encode_next
from tests.support.waiting import until

FUTURE = {"priority": {"level": 7, "why": "a field that no release of today knows"}}
LATER = "[[status=429;retry-after=5;fail=1]] later"


def tasks_of(prompts: Sequence[str]) -> list[Task]:
    now = time.time()
    return [
        Task(
            task_id=new_task_id(),
            tenant="local",
            body={"messages": [{"role": "user", "content": prompt}]},
            created_at=now,
            expires_at=now + 3600,
        )
        for prompt in prompts
    ]


def with_future_field(task: Task) -> bytes:
    record: dict[str, Any] = orjson.loads(encode_task(task))
    return orjson.dumps(record | FUTURE)


async def test_workers_of_two_releases_do_version_1_records_that_have_a_field_of_the_future(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=2, worker__tail_after_seconds=3)
    await deployment.start_worker(NEXT_WORKER, concurrency=2, worker__tail_after_seconds=3)
    await kafka_view.wait_for_workers(2)
    partitions = await kafka_view.partitions(kafka_view.topics.interactive)
    tasks = tasks_of([LATER, *(f"prompt {number}" for number in range(2 * partitions - 1))])
    written = [(number % partitions, with_future_field(task)) for number, task in enumerate(tasks)]
    await kafka_view.write(kafka_view.topics.interactive, written)
    await api.wait_until_completed([task.task_id for task in tasks])
    await kafka_view.wait_until_committed()

    calls = await fake_model.calls_by_prompt()
    assert calls.pop(LATER) == 2
    assert set(calls.values()) == {1}
    assert await kafka_view.records(kafka_view.topics.dead_letters) == []
    # What waited for its next attempt at the tail still has what only the next release may understand.
    records = await kafka_view.records(kafka_view.topics.interactive)
    [copy] = [record for record in records if "not-before" in dict(record.headers)]
    assert orjson.loads(copy.value)["priority"] == FUTURE["priority"]


async def test_a_rolling_deploy_repeats_no_call_and_does_what_only_the_next_release_knows(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    old = await deployment.start_workers(2, concurrency=2)
    await kafka_view.wait_for_workers(2)
    await fake_model.behave(latency_seconds=0.2)
    task_ids = await api.submit([f"today {number}" for number in range(40)])
    partitions = await kafka_view.partitions(kafka_view.topics.interactive)
    newer = tasks_of([f"next {number}" for number in range(partitions)])
    await kafka_view.write(kafka_view.topics.interactive, [(n, encode_next(task)) for n, task in enumerate(newer)])
    await until(lambda: any("unknown version held" in worker.log() for worker in old), what="a record to be held")
    for worker in old:
        await deployment.start_worker(NEXT_WORKER, concurrency=2)
        worker.terminate()
        assert await worker.exit_status() == 0

    await api.wait_until_completed([*task_ids, *(task.task_id for task in newer)])
    await kafka_view.wait_until_committed()
    calls = await fake_model.calls_by_prompt()
    assert len(calls) == 40 + partitions
    assert set(calls.values()) == {1}
    assert await kafka_view.records(kafka_view.topics.dead_letters) == []

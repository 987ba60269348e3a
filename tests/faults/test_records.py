"""Records that are garbage, come twice, or come again."""

import asyncio

import pytest
from aiokafka import TopicPartition

from common.connections import create_group_consumer
from common.store.keys import Keys
from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import SESSION_SECONDS, Scene
from tests.support.waiting import until

_NESTED = b"[" * 500_000 + b"]" * 500_000
_POISON = {
    "garbage": b"\xff\x00 no record",
    "truncated": b'{"version": 1, "task_id": "0198',
    "nested": _NESTED,
    "no version": b'{"version": "one"}',
}
_LARGE_ANSWER, _LARGEST_PROMPT = 12_000_000, 990_000


async def write_poison(scene: Scene) -> None:
    """Onto several partitions, between the records of well-formed tasks."""
    poison = [*_POISON.values()]
    values = [(partition, value) for partition in range(4) for value in poison]
    await scene.view.write(scene.view.topics.interactive, values)
    await until(lambda: _dead_letters(scene, len(values)), what="the dead letters")
    dead = await scene.view.records(scene.view.topics.dead_letters)
    assert sorted(record.value for record in dead) == sorted(value for _, value in values)


async def write_records_twice(scene: Scene) -> None:
    """Each record of the topic so far once more, on another partition, so that another worker has it at once."""
    for _ in range(3):
        await scene.load.accepts_more(6)
        records = await scene.view.records(scene.view.topics.interactive)
        partitions = 1 + max(record.partition for record in records)
        copies = [((record.partition + 1) % partitions, record.value) for record in records]
        await scene.view.write(scene.view.topics.interactive, copies)


async def reset_offsets(scene: Scene) -> None:
    """As an operator does it: the workers stopped, the group's offsets set to the earliest, the workers started."""
    for worker in scene.workers:
        worker.terminate()
    assert [await worker.exit_status() for worker in scene.workers] == [0] * len(scene.workers)
    topic = scene.view.topics.interactive
    ends = {record.partition for record in await scene.view.records(topic)}
    consumer = create_group_consumer(
        scene.deployment.kafka, "operator", scene.view.topics.llm_group, session_timeout_seconds=SESSION_SECONDS
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, partition) for partition in sorted(ends)]
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
    finally:
        await consumer.stop()
    await asyncio.gather(*(worker.start() for worker in scene.workers))
    await scene.view.wait_for_workers(len(scene.workers))


async def reset_offsets_of_expired_results(scene: Scene) -> None:
    """What is left of a finished task then is its hash without content."""
    finished = await scene.api.wait_until_final(list(scene.load.accepted))
    keys = Keys(scene.deployment.redis.key_prefix)
    assert await scene.redis.delete(*(keys.result(entry["task_id"]) for entry in finished)) == len(finished)
    scene.unread.update(entry["task_id"] for entry in finished)
    await reset_offsets(scene)


async def submit_too_large_answers(scene: Scene) -> None:
    """They fail alone; the model is not asked again."""
    for number in range(3):
        [task_id] = await scene.submit([f"large {number} [[size={_LARGE_ANSWER}]]"], may_end="failed")
        [entry] = await scene.api.wait_until_final([task_id])
        assert entry["error"]["code"] == "result_too_large"


async def submit_largest_prompts_that_the_model_refuses(scene: Scene) -> None:
    """Their dead letters hold the very bytes, though these are as many as a record may have."""
    refused = "[[status=400]]"
    prompts = [f"{number} {refused} ".ljust(_LARGEST_PROMPT, "x") for number in range(3)]
    task_ids = [(await scene.submit([prompt], may_end="failed"))[0] for prompt in prompts]
    await scene.api.wait_until_final(task_ids)
    await until(lambda: _dead_letters(scene, len(task_ids)), what="the dead letters")
    dead = await scene.view.records(scene.view.topics.dead_letters)
    originals = [record.value for record in await scene.view.records(scene.view.topics.interactive)]
    assert len(dead) == len(task_ids)
    assert all(record.value in originals and len(record.value) > _LARGEST_PROMPT for record in dead)


FAULTS = [
    Fault(name="Garbage, cut-off, wrongly versioned and 1 MB of nested JSON on the tasks topic", strike=write_poison),
    Fault(name="Every record written twice, for two workers at once", strike=write_records_twice),
    Fault(name="Offsets reset to earliest by an operator", strike=reset_offsets),
    Fault(name="Offsets reset to earliest, the results' keys expired", strike=reset_offsets_of_expired_results),
    Fault(name="Answers of 12 MB", strike=submit_too_large_answers),
    Fault(
        name="Prompts of the largest size, refused by the model and dead-lettered",
        strike=submit_largest_prompts_that_the_model_refuses,
    ),
]


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.strike.__name__) for fault in FAULTS])
async def test_every_task_is_called_once_whatever_else_stands_in_the_topic(strike: Strike, fault: Fault) -> None:
    await strike(fault)


async def _dead_letters(scene: Scene, count: int) -> bool:
    return len(await scene.view.records(scene.view.topics.dead_letters)) >= count

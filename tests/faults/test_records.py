"""Records that are garbage, come twice, or come again."""

import asyncio

import pytest
from aiokafka import TopicPartition

from common.connections import create_group_consumer
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
_UNKNOWN_VERSION = b'{"version": 2, "task_id": "01980000-0000-7000-8000-000000000000"}'


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


FAULTS = [
    Fault(name="Garbage, cut-off, wrongly versioned and 1 MB of nested JSON on the tasks topic", strike=write_poison),
    Fault(name="Every record written twice, for two workers at once", strike=write_records_twice),
    Fault(name="Offsets reset to earliest by an operator", strike=reset_offsets),
]


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.strike.__name__) for fault in FAULTS])
async def test_every_task_is_called_once_whatever_else_stands_in_the_topic(strike: Strike, fault: Fault) -> None:
    await strike(fault)


async def _dead_letters(scene: Scene, count: int) -> bool:
    return len(await scene.view.records(scene.view.topics.dead_letters)) >= count

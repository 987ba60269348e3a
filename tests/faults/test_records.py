"""Records that are garbage, come twice, or come again."""

import asyncio
import time
from collections import Counter

import pytest
from aiokafka import TopicPartition

from common.connections import create_group_consumer
from common.store.keys import Keys
from common.task import Task, new_task_id
from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import PATIENCE_SECONDS, SESSION_SECONDS, Scene
from tests.support.next_worker import MODULE as NEXT_WORKER, encode_next
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
    known = await _dead_values(scene)
    await scene.view.write(scene.view.topics.interactive, values)
    dead = await _dead_letters_after(scene, known, len(values))
    assert dead == Counter(value for _, value in values)


async def write_a_record_of_the_next_release(scene: Scene) -> None:
    """It is held where it is while everything around it goes on, until there is a worker that knows it."""
    task = _a_task(f"next {len(scene.extra)}")
    topic, group = scene.view.topics.interactive, scene.view.topics.llm_group
    held_in = TopicPartition(topic, 0)
    before = await scene.view.committed(group, topic)
    await scene.view.write(topic, [(held_in.partition, encode_next(task))])
    records = await scene.view.records(topic)
    [held_at] = [record.offset for record in records if record.value == encode_next(task)]
    await scene.load.accepts_more(3 * len(before))
    await scene.accepted_ended()

    async def others_committed() -> bool:
        committed = await scene.view.committed(group, topic)
        others = all(committed[one] > before[one] for one in committed if one != held_in)
        return others and committed[held_in] == held_at

    await until(
        others_committed, deadline=PATIENCE_SECONDS, what="commits up to the record, and of the other partitions"
    )
    behind = [record for record in await scene.view.records(topic) if record.partition == 0 and record.offset > held_at]
    assert behind, "no neighbours came behind the record"
    assert all(record.value != encode_next(task) for record in await scene.view.records(scene.view.topics.dead_letters))
    assert await scene.metric(f'promptmill_engine_records_held_total{{reason="unknown_version",topic="{topic}"}}') >= 1
    assert any("record of an unknown version held" in worker.log() for worker in scene.workers)
    await _deploy_the_next_release(scene, task)


async def _deploy_the_next_release(scene: Scene, task: Task) -> None:
    """For as long as it takes it to do the task; then the release before it comes back."""
    old = list(scene.workers)
    newer = await scene.start_worker(NEXT_WORKER)
    for worker in old:
        await scene.end_worker(worker)
    await scene.api.wait_until_completed([task.task_id], deadline=PATIENCE_SECONDS)
    scene.extra[task.task_id] = task.body["messages"][0]["content"]
    for worker in old:
        await worker.start()
        scene.workers.append(worker)
    await scene.end_worker(newer)


def _a_task(prompt: str) -> Task:
    now = time.time()
    return Task(
        task_id=new_task_id(),
        tenant="local",
        body={"messages": [{"role": "user", "content": prompt}]},
        created_at=now,
        expires_at=now + 3600,
    )


async def write_records_twice(scene: Scene) -> None:
    """Each record from now on once more, on another partition, so that another worker has it at once; thrice."""
    known = await scene.view.records(scene.view.topics.interactive)
    places = {(record.partition, record.offset) for record in known}
    for _ in range(3):
        await scene.load.accepts_more(6)
        records = [
            record
            for record in await scene.view.records(scene.view.topics.interactive)
            if (record.partition, record.offset) not in places
        ]
        partitions = await scene.view.partitions(scene.view.topics.interactive)
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
    readable = scene.load.accepted.keys() - scene.deleted - scene.unread
    ended = await scene.api.wait_until_final(list(readable), deadline=PATIENCE_SECONDS)
    finished = [entry for entry in ended if entry["status"] == "completed"]
    keys = Keys(scene.deployment.redis.key_prefix)
    assert await scene.redis.delete(*(keys.result(entry["task_id"]) for entry in finished)) == len(finished)
    scene.unread.update(entry["task_id"] for entry in finished)
    await reset_offsets(scene)


async def submit_too_large_answers(scene: Scene) -> None:
    """They fail alone; the model is not asked again."""
    for _ in range(3):
        [task_id] = await scene.submit([f"large {len(scene.extra)} [[size={_LARGE_ANSWER}]]"], may_end="failed")
        [entry] = await scene.api.wait_until_final([task_id], deadline=PATIENCE_SECONDS)
        assert entry["error"]["code"] == "result_too_large"


async def submit_largest_prompts_that_the_model_refuses(scene: Scene) -> None:
    """Their dead letters hold the very bytes, though these are as many as a record may have."""
    refused = "[[status=400]]"
    known = await _dead_values(scene)
    first = len(scene.extra)
    prompts = [f"{first + number} {refused} ".ljust(_LARGEST_PROMPT, "x") for number in range(3)]
    task_ids = [(await scene.submit([prompt], may_end="failed"))[0] for prompt in prompts]
    await scene.api.wait_until_final(task_ids, deadline=PATIENCE_SECONDS)
    dead = await _dead_letters_after(scene, known, len(task_ids))
    originals = [record.value for record in await scene.view.records(scene.view.topics.interactive)]
    assert dead.total() == len(task_ids)
    assert all(value in originals and len(value) > _LARGEST_PROMPT for value in dead)


FAULTS = [
    Fault(name="Garbage, cut-off, versionless and 1 MB of nested JSON on the tasks topic", strike=write_poison),
    Fault(
        name="A record of the next release's version, held until a worker of that release comes",
        strike=write_a_record_of_the_next_release,
        # With the offsets reset, the workers of this release hold that record again, for good.
        once=True,
    ),
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


async def _dead_values(scene: Scene) -> Counter[bytes]:
    records = await scene.view.records(scene.view.topics.dead_letters)
    return Counter(record.value for record in records if record.value is not None)


async def _dead_letters_after(scene: Scene, known: Counter[bytes], count: int) -> Counter[bytes]:
    """Wait for so many dead letters beside the known ones and return their values."""
    found = Counter[bytes]()

    async def arrived() -> bool:
        found.clear()
        found.update(await _dead_values(scene) - known)
        return found.total() >= count

    await until(arrived, deadline=PATIENCE_SECONDS, what=f"{count} more dead letters")
    return found

"""Records that are no task: dead-lettered, with the task that they were to be."""

import orjson
import pytest

from common.record import encode_task
from common.result import decode_result
from common.store.submissions import Submissions, Written
from common.task import Status, Task
from consumer.engine.ports import Settled
from tests.consumer.llm.harness import DAY, NAMES, Role, Scene, a_task
from tests.support.fake_model import FakeModel

PRIVATE = "what nobody may read"


def damaged(task: Task, **fields: object) -> bytes:
    return orjson.dumps({**orjson.loads(encode_task(task)), "body": PRIVATE, **fields})


@pytest.mark.parametrize("value", [b"", b"\x00\xff", b"[]", b'"x"', b"{}", b"{" * 100_000], ids=repr)
async def test_bytes_that_name_no_task_are_only_dead_lettered(worker: Role, value: bytes) -> None:
    outcome = await worker.handle(a_task(), value=value[:100_000])
    assert isinstance(outcome, Settled)
    [letter] = outcome.records
    assert (letter.topic, letter.value) == (NAMES.dead_letters, value)
    assert dict(letter.headers)["error-code"] == b"unreadable_record"
    assert worker.counted("unreadable_records_total") == 1


async def test_a_task_whose_own_record_is_unreadable_fails(scene: Scene, worker: Role, fake_model: FakeModel) -> None:
    task = a_task(tenant="acme")
    submissions = Submissions(scene.redis.link, scene.keys, result_ttl_seconds=DAY)
    await submissions.accept([Written(task, partition=3, offset=7)])
    outcome = await worker.handle(task, value=damaged(task, tenant=5))

    assert isinstance(outcome, Settled)
    letter, record = outcome.records
    assert [letter.topic, record.topic] == [NAMES.dead_letters, NAMES.results]
    assert dict(letter.headers)["reason"] == b"tenant: string_type"
    result = decode_result(record.value or b"")
    assert (result["status"], result["tenant"]) == ("failed", "acme")
    assert result["error"]["code"] == "unreadable_record"
    assert PRIVATE.encode() not in (record.value or b"")
    assert (await scene.state(task)).status is Status.FAILED
    assert await fake_model.calls() == []


async def test_a_redelivered_unreadable_record_publishes_the_same_again(scene: Scene, worker: Role) -> None:
    task = a_task()
    first = await worker.handle(task, value=damaged(task))
    second = await scene.worker().handle(task, value=damaged(task))
    assert isinstance(first, Settled)
    assert isinstance(second, Settled)
    assert [record.topic for record in second.records] == [NAMES.dead_letters, NAMES.results]
    assert second.records[1] == first.records[1]


async def test_a_damaged_record_cannot_fail_the_task_of_another_record(scene: Scene, worker: Role) -> None:
    task = a_task()
    submissions = Submissions(scene.redis.link, scene.keys, result_ttl_seconds=DAY)
    await submissions.accept([Written(task, partition=3, offset=8)])
    outcome = await worker.handle(task, value=damaged(task))
    assert isinstance(outcome, Settled)
    assert [record.topic for record in outcome.records] == [NAMES.dead_letters]
    assert (await scene.state(task)).status is Status.QUEUED


async def test_a_task_the_store_does_not_know_fails_if_its_tenant_can_be_read(scene: Scene, worker: Role) -> None:
    known, unknown = a_task(tenant="acme"), a_task()
    await worker.handle(known, value=damaged(known))
    state = await scene.state(known)
    assert (state.status, state.tenant) == (Status.FAILED, "acme")
    for tenant in (None, "", "x" * 65):
        outcome = await worker.handle(unknown, value=damaged(unknown, tenant=tenant))
        assert isinstance(outcome, Settled)
        assert len(outcome.records) == 1
        assert await scene.read(unknown) is None


async def test_an_unreadable_record_of_long_ago_is_dead_lettered_and_nothing_else(scene: Scene, worker: Role) -> None:
    task = a_task(created_at=1_600_000_000.0)
    outcome = await worker.handle(task, value=damaged(task))
    assert isinstance(outcome, Settled)
    assert [record.topic for record in outcome.records] == [NAMES.dead_letters]
    assert await scene.read(task) is None

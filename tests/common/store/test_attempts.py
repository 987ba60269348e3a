from dataclasses import replace

import pytest

from common.store.attempts import PastAttempts
from common.store.claims import Claimed
from common.store.submissions import Written
from common.task import Status, Task
from tests.common.store.conftest import Store
from tests.common.store.test_moves import a_task, finish


async def attempted(store: Store, task: Task, token: str, *, cause: str, called: bool = True) -> None:
    """Claim the task and give it back at once."""
    reply = await store.claim(task, token)
    assert isinstance(reply, Claimed)
    for _ in range(2):
        # The second time as a client does it that has not heard the answer.
        await store.leases.release(
            reply.claim, delay_seconds=0, failures=1, called=called, may_restore=True, cause=cause
        )


async def test_attempts_that_came_to_nothing_are_remembered_in_their_order(store: Store) -> None:
    task = a_task()
    past = PastAttempts(store.redis.link, store.keys)
    assert await past.read(task.task_id) == []
    await attempted(store, task, "a", cause="timeout")
    await attempted(store, task, "b", cause="held", called=False)
    await attempted(store, task, "c", cause="rate_limited")
    first, second = await past.read(task.task_id)
    assert (first.run, first.attempt, first.how, first.worker) == (1, 1, "timeout", "one")
    assert (second.attempt, second.how, second.partition, second.offset) == (2, "rate_limited", 3, 7)
    assert first.started_at is not None
    assert first.started_at <= first.ended_at <= second.ended_at


async def test_an_attempt_that_ended_with_its_worker_is_remembered_as_such(store: Store) -> None:
    task = a_task()
    await store.claimed(task)
    await store.set(task, lease_until=1_790_000_000_000)
    assert isinstance(await store.claim(task, "b", store.others), Claimed)
    [lost] = await PastAttempts(store.redis.link, store.keys).read(task.task_id)
    assert (lost.attempt, lost.how, lost.worker, lost.ended_at) == (1, "worker_lost", "one", 1_790_000_000.0)


async def test_a_redrive_leaves_the_attempts_of_the_run_before(store: Store) -> None:
    task = a_task()
    await attempted(store, task, "a", cause="timeout")
    await finish(store, task, Status.FAILED)
    assert await store.redriving.redrive([task])
    await store.claimed(replace(task, run=2))
    past = await PastAttempts(store.redis.link, store.keys).read(task.task_id)
    assert [(one.run, one.attempt, one.how) for one in past] == [(1, 1, "timeout"), (1, 2, "failed")]


async def test_a_run_without_attempts_leaves_none(store: Store) -> None:
    task = a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    await store.endings.cancel([task.task_id], tenant=task.tenant)
    await store.redriving.redrive([task])
    assert await PastAttempts(store.redis.link, store.keys).read(task.task_id) == []


@pytest.mark.parametrize("count", [20, 25])
async def test_of_many_attempts_the_last_are_remembered(store: Store, count: int) -> None:
    task = a_task()
    for number in range(count):
        await attempted(store, task, f"t{number}", cause="timeout")
    past = await PastAttempts(store.redis.link, store.keys).read(task.task_id)
    assert [one.attempt for one in past] == list(range(count - 19, count + 1))

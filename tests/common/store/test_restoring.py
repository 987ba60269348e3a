import time

import pytest

from common.store.leases import Busy, Claimed, Ended, Missing, Skip
from common.store.marker import Marker
from common.store.restoring import Outcome, Restoring
from common.task import Lane, Status, Task
from tests.common.store.conftest import DAY, Store
from tests.common.store.test_moves import RESULT, a_task, finish


def an_outcome(task: Task, **changes: object) -> Outcome:
    fields: dict[str, object] = {
        "task_id": task.task_id,
        "run": task.run,
        "tenant": task.tenant,
        "lane": Lane.INTERACTIVE,
        "status": Status.COMPLETED,
        "created_at": task.created_at,
        "expires_at": task.expires_at,
        "finished_at": time.time() - 3600,
        "started_at": time.time() - 3601,
        "attempts": 2,
        "token": "t",
        "value": RESULT,
    }
    return Outcome(**(fields | changes))  # type: ignore[arg-type] # a table of any of its fields


@pytest.fixture
def restoring(store: Store) -> Restoring:
    return Restoring(store.redis, store.keys, result_ttl_seconds=DAY)


async def test_a_lost_outcome_is_readable_again_for_what_is_left_of_its_time(
    store: Store, restoring: Restoring
) -> None:
    task = a_task()
    assert await restoring.restore([an_outcome(task)]) == 1
    state = await store.state(task)
    assert (state.status, state.progress, state.attempts, state.result) == (Status.COMPLETED, 100, 2, RESULT)
    task_key, result_key = store.keys.of(task.task_id)
    assert (DAY - 3600 - 60) * 1000 < await store.redis.pttl(result_key) <= (DAY - 3600) * 1000
    assert await store.redis.pttl(task_key) > (DAY - 60) * 1000
    assert isinstance(await store.claim(task, "a"), Ended)


async def test_an_unfinished_task_of_a_stale_store_is_completed(store: Store, restoring: Restoring) -> None:
    task = a_task()
    await store.claimed(task)
    assert await restoring.restore([an_outcome(task)]) == 1
    assert (await store.state(task)).status is Status.COMPLETED


async def test_the_first_outcome_of_a_run_stands(store: Store, restoring: Restoring) -> None:
    task = a_task()
    other = an_outcome(task, status=Status.FAILED, value=b'{"second":1}')
    assert await restoring.restore([an_outcome(task), other]) == 1
    assert (await store.state(task)).result == RESULT


async def test_a_later_run_is_left_alone_and_an_earlier_one_replaced(store: Store, restoring: Restoring) -> None:
    task = a_task(run=2)
    await store.claimed(task)
    assert await restoring.restore([an_outcome(task, run=1)]) == 0
    assert (await store.state(task)).status is Status.PROCESSING
    assert await restoring.restore([an_outcome(task, run=3)]) == 1
    state = await store.state(task)
    assert (state.status, state.run) == (Status.COMPLETED, 3)


async def test_a_deleted_task_stays_deleted(store: Store, restoring: Restoring) -> None:
    task = a_task()
    await finish(store, task)
    await store.endings.delete([task.task_id], tenant="local")
    assert await restoring.restore([an_outcome(task)]) == 0
    assert await store.read(task) is None


async def test_a_forgotten_result_keeps_its_record_from_running(store: Store, restoring: Restoring) -> None:
    task = a_task()
    await restoring.bury([task.task_id], expires_at=task.expires_at)
    assert await store.claim(task, "a") is Skip.DELETED
    assert await store.read(task) is None
    assert await store.redis.pttl(store.keys.task(task.task_id)) > DAY * 1000 - 60_000


async def test_a_claim_may_be_kept_from_making_a_task_anew(store: Store) -> None:
    task = a_task()
    reply = await store.leases.claim(task, token="a", partition=0, offset=0, may_create=False)
    assert isinstance(reply, Missing)
    assert await store.read(task) is None


async def test_a_claim_may_be_kept_from_taking_a_lapsed_lease(store: Store) -> None:
    task = a_task()
    await store.claimed(task)
    await store.set(task, lease_until=1)
    reply = await store.others.claim(task, token="b", partition=0, offset=0, may_take_over=False)
    assert isinstance(reply, Busy)
    assert isinstance(await store.claim(task, "b", store.others), Claimed)


async def test_a_store_is_whole_under_the_redis_that_its_marker_names(store: Store) -> None:
    marker = Marker(store.redis, store.keys)
    unknown = await marker.identity()
    assert not unknown.is_whole
    await marker.set(unknown.run_id)
    whole = await marker.identity()
    assert whole.is_whole
    assert await marker.identity() == whole
    assert await store.redis.pttl(store.keys.marker) > 6 * DAY * 1000
    await store.redis.set(store.keys.marker, "another:1", px=60_000)
    assert not (await marker.identity()).is_whole
    await store.redis.delete(store.keys.marker)
    assert not (await marker.identity()).is_whole

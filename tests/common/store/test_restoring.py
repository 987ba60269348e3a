import time
from dataclasses import replace

import pytest

from common.result import TaskRecordPlace
from common.store.claims import Claimed, Ended, Hold, Lapsed, Missing, Skip, Waiting
from common.store.marker import Marker
from common.store.restoring import OpenTask, Outcome, Restoring
from common.store.submissions import Written
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
    return Restoring(store.redis.link, store.keys, result_ttl_seconds=DAY)


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
    await store.endings.delete([task.task_id], tenant="local", token="d")
    assert await restoring.restore([an_outcome(task)]) == 0
    assert await store.read(task) is None


async def test_a_forgotten_result_keeps_its_record_from_running(store: Store, restoring: Restoring) -> None:
    task = a_task()
    await restoring.bury([task.task_id], expires_at=task.expires_at)
    assert await store.claim(task, "a") is Skip.DELETED
    assert await store.read(task) is None
    # Its dead letter, if it has one, is kept for so long.
    assert await store.redis.pttl(store.keys.task(task.task_id)) > 30 * DAY * 1000 - 60_000


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
    assert isinstance(reply, Lapsed)
    assert isinstance(await store.claim(task, "b", store.others), Claimed)


async def test_a_store_is_whole_under_the_redis_that_its_marker_names(store: Store) -> None:
    marker = Marker(store.redis.link, store.keys)
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


async def test_an_open_task_is_queued_again_and_nobody_takes_it_before_its_holder_had_its_turn(
    store: Store, restoring: Restoring
) -> None:
    task = a_task()
    claim = await store.claimed(task)
    await store.redis.delete(*store.keys.of(task.task_id))
    assert await restoring.reopen([OpenTask(Written(task, 3, 7))], delay_seconds=30) == 1
    assert isinstance(await store.claim(task, "b", store.others), Waiting)
    assert await store.leases.renew([(claim, True)]) == [Hold.HELD]
    state = await store.state(task)
    assert (state.status, state.retry_at, state.partition, state.offset) == (Status.PROCESSING, None, 3, 7)


async def test_reopening_leaves_alone_what_the_store_knows_and_what_is_over(store: Store, restoring: Restoring) -> None:
    known, ended, deleted, over = a_task(), a_task(), a_task(), a_task(expires_at=time.time() - 1)
    await store.claimed(known)
    await finish(store, ended)
    await finish(store, deleted)
    await store.endings.delete([deleted.task_id], tenant="local", token="d")
    tasks = [known, ended, deleted, over]
    assert await restoring.reopen([OpenTask(Written(task, 0, 0)) for task in tasks], delay_seconds=0) == 0
    statuses = [state and state.status for state in await store.reader.read([task.task_id for task in tasks])]
    assert statuses == [Status.PROCESSING, Status.COMPLETED, None, None]


async def test_a_finished_task_is_shown_where_its_record_stands(store: Store, restoring: Restoring) -> None:
    told, untold = a_task(), a_task()
    await restoring.restore([an_outcome(told, place=TaskRecordPlace(3, 7)), an_outcome(untold)])
    # Their records are read as well, for behind them are some that are not finished.
    await restoring.reopen([OpenTask(Written(task, 4, 8)) for task in (told, untold)], delay_seconds=0)
    places = [(state.partition, state.offset) for state in (await store.state(told), await store.state(untold))]
    assert places == [(3, 7), (4, 8)]


async def test_a_run_that_the_store_does_not_know_yet_is_missing_and_not_stale(
    store: Store, restoring: Restoring
) -> None:
    first = a_task()
    second = replace(first, run=2)
    await finish(store, first)
    reply = await store.leases.claim(second, token="b", partition=0, offset=1, may_create=False)
    assert isinstance(reply, Missing)
    assert (await store.state(first)).run == 1
    assert await restoring.reopen([OpenTask(Written(second, 0, 1))], delay_seconds=0) == 1
    assert isinstance(await store.claim(second, "b"), Claimed)
    state = await store.state(first)
    assert (state.run, state.status, state.result) == (2, Status.PROCESSING, None)
    assert await store.claim(first, "c") is Skip.STALE_RUN


async def test_a_restored_outcome_keeps_the_end_of_life_that_the_store_knows(
    store: Store, restoring: Restoring
) -> None:
    task = a_task(expires_at=time.time() + 500)
    await store.claimed(task)
    await restoring.restore([an_outcome(task, expires_at=time.time() + DAY)])
    state = await store.state(task)
    assert state.expires_at == pytest.approx(task.expires_at, abs=0.001)
    assert (state.status, state.retry_at) == (Status.COMPLETED, None)
    assert await store.redis.hget(store.keys.task(task.task_id), "lease_until") is None


async def test_a_reopened_copy_keeps_its_attempts_and_its_time(store: Store, restoring: Restoring) -> None:
    task, due = a_task(), time.time() + 300
    await restoring.reopen([OpenTask(Written(task, 0, 0), attempts=3, failures=2, not_before=due)], delay_seconds=30)
    state = await store.state(task)
    assert (state.attempts, state.failures) == (3, 2)
    assert state.retry_at == pytest.approx(due, abs=0.001)

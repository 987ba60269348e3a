"""A store that lost something, or was away: holders write back first, and nobody calls what was called."""

import asyncio
from dataclasses import replace

import pytest

from common.store.leases import Leases
from common.store.marker import Marker, StoreIdentity
from common.store.scripts import StoreUnavailable
from common.task import Status
from consumer.engine.ports import RetryAfter, Settled
from tests.consumer.llm.harness import InBackground, Scene, a_delivery, a_task
from tests.support.fake_model import FakeModel
from tests.support.waiting import until


async def test_a_worker_writes_back_its_claims_and_its_outcomes_before_it_claims_more(
    scene: Scene, fake_model: FakeModel, in_background: InBackground
) -> None:
    worker = scene.worker()
    finished, held = a_task("finished"), a_task("held")
    await worker.handle(finished, offset=1)
    await fake_model.hold()
    handling = in_background(worker.handle(held, offset=2))
    await fake_model.wait_for_in_flight(1)
    value = (await scene.state(finished)).result
    await worker.watch.look()

    await scene.redis.flushall()
    await worker.watch.look()
    state = await scene.state(finished)
    assert (state.status, state.progress, state.attempts, state.result) == (Status.COMPLETED, 100, 1, value)
    state = await scene.state(held)
    assert (state.status, state.attempts) == (Status.PROCESSING, 1)
    assert worker.counted("store_changes_total", change="lost") == 1
    assert worker.counted("store_written_back_total", kind="claim") == 1
    assert worker.counted("store_written_back_total", kind="outcome") == 1
    await fake_model.release_all()
    assert isinstance(await handling, Settled)
    # Their records, delivered once more: published again, not called again.
    assert [type(await worker.handle(task)) for task in (finished, held)] == [Settled, Settled]
    assert await fake_model.calls_by_prompt() == {"finished": 1, "held": 1}


async def test_what_was_recorded_in_a_store_that_was_lost_since_is_not_published_before_it_is_written_back(
    scene: Scene, fake_model: FakeModel
) -> None:
    worker, other = scene.worker(), scene.worker()
    task, failed = a_task("finished"), a_task("[[status=400]]")
    await worker.watch.look()
    await other.watch.look()
    recorded = [await worker.handle(task, offset=1), await worker.handle(failed, offset=2)]
    read = await other.handle(task, offset=1)
    outcomes = [outcome for outcome in (*recorded, read) if isinstance(outcome, Settled)]
    assert [outcome.publish_if() for outcome in outcomes] == [True] * 3

    await scene.redis.flushall()
    await worker.watch.look()
    await other.watch.look()
    assert [outcome.publish_if() for outcome in outcomes] == [False] * 3
    again = [await worker.handle(task, offset=1), await worker.handle(failed, offset=2)]
    for before, now in zip(outcomes, again, strict=False):
        assert isinstance(now, Settled)
        assert now.records == before.records
        assert now.publish_if()
    assert len(await fake_model.calls()) == 2


async def test_nothing_is_claimed_before_everything_is_written_back(scene: Scene) -> None:
    worker = scene.worker()
    await worker.watch.look()
    await scene.redis.flushall()
    worker.watch._owed = True
    task = a_task()
    await scene.accept(task)
    assert isinstance(await worker.handle(task), RetryAfter)
    await worker.watch.look()
    assert isinstance(await worker.handle(task), Settled)


async def test_another_worker_takes_nothing_missing_for_new_in_a_store_that_was_wiped(
    scene: Scene, fake_model: FakeModel
) -> None:
    holder, other = scene.worker(), scene.worker()
    task = a_task()
    await holder.handle(task)
    await other.watch.look()
    await scene.redis.flushall()
    # Nobody has noticed yet; its record comes to the other worker, as after a rebalance.
    assert isinstance(await other.handle(task), RetryAfter)
    await holder.watch.look()
    assert isinstance(await other.handle(task), Settled)
    assert len(await fake_model.calls()) == 1


async def test_a_missing_task_is_made_anew_one_lease_after_the_loss_and_once_the_store_is_whole(
    scene: Scene, fake_model: FakeModel
) -> None:
    worker = scene.worker(lease_seconds=1.0)
    await worker.watch.look()
    await scene.redis.flushall()
    task = a_task()
    assert isinstance(await worker.handle(task), RetryAfter)
    clock = asyncio.get_running_loop().time
    lost_at = clock()
    await until(lambda: clock() >= lost_at + 1.0)
    assert isinstance(await worker.handle(task), RetryAfter), "a rebuild may still find its outcome"
    await scene.whole()
    assert isinstance(await worker.handle(task), Settled)
    assert len(await fake_model.calls()) == 1


async def test_no_lapsed_lease_is_taken_over_for_one_lease_after_a_loss(scene: Scene, fake_model: FakeModel) -> None:
    holder, other = scene.worker(), scene.worker(lease_seconds=1.0)
    task = a_task()
    await holder.leases.claim(task, token="holder", partition=3, offset=7)
    await scene.set(task, lease_until=1)
    await other.watch.look()
    # A restart: every key is there, the process is another one.
    await scene.redis.set(scene.keys.marker, "another process:1")
    assert isinstance(await other.handle(task), RetryAfter)
    assert await fake_model.calls() == []
    clock = asyncio.get_running_loop().time
    lost_at = clock()
    await until(lambda: clock() >= lost_at + 1.0)
    assert isinstance(await other.handle(task), Settled)
    assert (await scene.state(task)).crashes == 1


async def test_a_task_that_a_store_gone_back_in_time_shows_as_queued_is_left_to_its_holder(
    scene: Scene, fake_model: FakeModel, in_background: InBackground
) -> None:
    holder, other = scene.worker(), scene.worker(lease_seconds=1.0)
    task = a_task()
    await scene.accept(task)
    await holder.watch.look()
    await other.watch.look()
    key = scene.keys.task(task.task_id)
    snapshot = await scene.redis.dump(key)
    assert snapshot
    await fake_model.hold()
    handling = in_background(holder.handle(task))
    await fake_model.wait_for_in_flight(1)

    # Restarted from a snapshot of before the claim; the record comes to the other worker, as after a rebalance.
    await scene.redis.restore(key, 0, snapshot, replace=True)
    await scene.redis.set(scene.keys.marker, "another process:1")
    await other.watch.look()
    clock = asyncio.get_running_loop().time
    noticed_at = clock()
    assert (await scene.state(task)).status is Status.QUEUED
    assert isinstance(await other.handle(task), RetryAfter)
    await holder.watch.look()
    await until(lambda: clock() >= noticed_at + 1.0)
    assert isinstance(await other.handle(task), RetryAfter)
    await fake_model.release_all()
    assert isinstance(await handling, Settled)
    assert isinstance(await other.handle(task), Settled)
    assert len(await fake_model.calls()) == 1


async def test_others_have_their_turn_also_where_a_worker_comes_just_after_the_restart(scene: Scene) -> None:
    former = StoreIdentity("now", None, is_former=True, uptime_seconds=4.5)
    newcomer, late = scene.worker(), scene.worker()
    newcomer.watch._note(former, 0.0)
    late.watch._note(replace(former, uptime_seconds=5.0), 0.0)
    assert not newcomer.watch.settled
    assert late.watch.settled
    await until(lambda: newcomer.watch.settled)


async def test_a_worker_that_came_while_the_store_was_away_takes_over_no_lapsed_lease(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = scene.worker(lease_seconds=1.0)
    task = a_task()
    await Leases(
        scene.redis.link, scene.keys, worker="holder", lease_seconds=30, result_ttl_seconds=60, max_crashes=3
    ).claim(task, token="holder", partition=3, offset=7)
    await scene.set(task, lease_until=1)

    async def away() -> StoreIdentity:
        raise StoreUnavailable("away")

    clock = asyncio.get_running_loop().time
    came_at = clock()
    with monkeypatch.context() as patched:
        patched.setattr(worker.watch._marker, "identity", away)
        with pytest.raises(StoreUnavailable):
            await worker.watch.look()
        await until(lambda: clock() >= came_at + 0.5)
    assert isinstance(await worker.handle(task), RetryAfter)
    assert worker.counted("store_changes_total", change="away") == 1


async def test_a_store_that_never_changed_costs_no_task_a_second_look(scene: Scene) -> None:
    worker = scene.worker()
    await worker.watch.look()
    tasks = [a_task(f"prompt {number}") for number in range(3)]
    for task in tasks:
        await scene.accept(task)
    before = (await scene.redis.info("commandstats"))["cmdstat_info"]["calls"]
    for task in tasks:
        assert isinstance(await worker.handle(task), Settled)
    # Only this test's own two.
    assert (await scene.redis.info("commandstats"))["cmdstat_info"]["calls"] == before + 1


async def test_a_rebuilt_store_is_believed_at_once(scene: Scene) -> None:
    worker = scene.worker()
    marker = Marker(scene.redis.link, scene.keys)
    await scene.redis.delete(scene.keys.marker)
    await worker.watch.look()
    assert await worker.executor.handle(a_delivery(a_task())) == RetryAfter(1.0)
    await asyncio.wait_for(worker.watch.broken(), 10)
    await marker.set((await marker.identity()).run_id)
    await worker.watch.look()
    assert worker.watch.is_whole
    assert worker.watch.settled
    assert worker.counted("store_changes_total", change="rebuilt") == 1
    assert worker.counted("store_changes_total", change="incomplete") == 1

"""Tasks that another worker holds, has ended, or takes away in the middle of a call."""

import asyncio

import pytest

from common.result import decode_result
from common.store.claims import Hold
from common.store.submissions import Submissions
from common.task import Status
from consumer.engine.ports import RetryAfter, Settled
from tests.consumer.llm.harness import DAY, NAMES, InBackground, Role, Scene, a_delivery, a_task
from tests.support.fake_model import FakeModel


async def test_a_task_held_by_another_is_looked_at_again_and_not_called(
    scene: Scene, worker: Role, fake_model: FakeModel, in_background: InBackground
) -> None:
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    other = scene.worker()
    assert await other.handle(task) == RetryAfter(2.0), "it may be given back long before its lease ends"
    assert other.counted("claims_total", reply="busy") == 1
    await fake_model.release_all()
    first = await handling
    second = await other.handle(task)
    assert isinstance(first, Settled)
    assert isinstance(second, Settled)
    assert second.records == first.records, "the new owner publishes again what is stored"
    assert other.counted("results_republished_total") == 1
    assert len(await fake_model.calls()) == 1


async def test_the_next_look_comes_no_later_than_the_lease_ends(
    scene: Scene, fake_model: FakeModel, in_background: InBackground
) -> None:
    await fake_model.hold()
    task = a_task()
    in_background(scene.worker(lease_seconds=1).handle(task))
    await fake_model.wait_for_in_flight(1)
    outcome = await scene.worker().handle(task)
    assert isinstance(outcome, RetryAfter)
    assert outcome.delay_seconds <= 1


async def test_a_dead_letter_is_published_again_with_its_result(scene: Scene, worker: Role) -> None:
    delivery = a_delivery(a_task("[[status=400]]"))
    first = await worker.executor.handle(delivery)
    second = await scene.worker().executor.handle(delivery)
    assert isinstance(first, Settled)
    assert isinstance(second, Settled)
    assert [record.topic for record in second.records] == [NAMES.dead_letters, NAMES.results]
    assert second.records == first.records


async def test_a_record_recorded_under_a_lease_is_published_while_that_runs(scene: Scene) -> None:
    loop = asyncio.get_running_loop()
    outcome = await scene.worker(lease_seconds=30).handle(a_task())
    assert isinstance(outcome, Settled)
    assert 0 < outcome.publish_before - loop.time() <= 30


async def test_a_cancelled_task_is_not_called_and_its_result_is_made_from_what_is_known(
    scene: Scene, worker: Role, fake_model: FakeModel
) -> None:
    task = a_task("[[status=500]]", metadata={"order": 1})
    await worker.handle(task)
    await scene.set(task, status="cancelled", finished_at=1_700_000_000_000)
    outcome = await worker.handle(task)
    assert isinstance(outcome, Settled)
    [record] = outcome.records
    result = decode_result(record.value or b"")
    assert (result["status"], result["error"], result["metadata"]) == ("cancelled", None, {"order": 1})
    assert result["finished_at"] == 1_700_000_000
    assert len(await fake_model.calls()) == 1


async def test_an_ended_task_whose_result_is_gone_publishes_nothing(scene: Scene, worker: Role) -> None:
    task = a_task()
    await worker.handle(task)
    await scene.redis.delete(scene.keys.result(task.task_id))
    assert await worker.handle(task) == Settled()


@pytest.mark.parametrize("reason", ["refused", "stale", "gone"])
async def test_a_record_of_no_live_task_is_passed_over(
    scene: Scene, worker: Role, fake_model: FakeModel, reason: str
) -> None:
    task = a_task(life=-5 if reason == "gone" else 100)
    if reason == "refused":
        await Submissions(scene.redis.link, scene.keys, result_ttl_seconds=DAY).refuse([task])
    if reason == "stale":
        await scene.worker().handle(a_task(task_id=task.task_id, run=2, endpoint="/v1/none"))
    assert await worker.handle(task) == Settled()
    assert worker.counted("claims_total", reply=reason) == 1
    assert await fake_model.calls() == []


async def test_too_many_dead_workers_end_a_task_without_a_call(scene: Scene, fake_model: FakeModel) -> None:
    worker = scene.worker(max_crashes=2)
    task = a_task()
    for number in range(2):
        await worker.leases.claim(task, token=f"dead{number}", partition=3, offset=7)
        await scene.set(task, lease_until=1)
    outcome = await worker.handle(task)
    assert isinstance(outcome, Settled)
    assert [record.topic for record in outcome.records] == [NAMES.dead_letters, NAMES.results]
    assert decode_result(outcome.records[1].value or b"")["error"]["code"] == "worker_lost"
    assert (await scene.state(task)).status is Status.FAILED
    assert await fake_model.calls() == []


LOSSES: dict[str, dict[str, object]] = {
    "another holds it": {"token": "another's"},
    "its run has ended": {"status": "cancelled", "finished_at": 5000},
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_call_whose_task_is_lost_is_ended_at_the_model(
    scene: Scene, worker: Role, fake_model: FakeModel, in_background: InBackground, loss: str
) -> None:
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await scene.set(task, **LOSSES[loss])
    await worker.keeper.renew()
    outcome = await handling
    await fake_model.wait_for_in_flight(0)
    assert (await fake_model.stats()).client_disconnected == 1
    assert worker.counted("claims_lost_total") == 1
    assert worker.counted("model_calls_total", outcome="lost") == 1
    if loss == "another holds it":
        assert outcome == RetryAfter(2.0)
    else:
        assert isinstance(outcome, Settled)
        assert decode_result(outcome.records[0].value or b"")["status"] == "cancelled"


async def test_an_answer_for_a_task_that_another_took_over_is_thrown_away(
    scene: Scene, worker: Role, fake_model: FakeModel, in_background: InBackground
) -> None:
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await scene.set(task, lease_until=1)
    other = scene.worker()
    taken_over = in_background(other.handle(task))
    await fake_model.wait_for_in_flight(2)
    await fake_model.release(1)
    assert await handling == RetryAfter(2.0)
    assert worker.counted("claims_lost_total") == 1
    assert (await scene.state(task)).worker == "worker2"
    await fake_model.release(1)
    assert isinstance(await taken_over, Settled)
    state = await scene.state(task)
    assert (state.status, state.attempts, state.crashes) == (Status.COMPLETED, 2, 1)


async def test_an_answer_after_a_lapsed_lease_counts_if_nobody_took_over(
    scene: Scene, fake_model: FakeModel, in_background: InBackground
) -> None:
    worker = scene.worker(lease_seconds=0.001)
    # A claim that lapses at once leaves no time for a call, so the lease is given its time by hand.
    worker.keeper._lease_seconds = 5
    await fake_model.hold()
    task = a_task()
    await scene.accept(task)
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await fake_model.release_all()
    assert isinstance(await handling, Settled)
    assert (await scene.state(task)).status is Status.COMPLETED


async def test_no_call_is_begun_under_a_lease_that_has_lapsed(scene: Scene, fake_model: FakeModel) -> None:
    worker = scene.worker()
    worker.keeper._lease_seconds = 0
    task = a_task()
    assert await worker.handle(task) == RetryAfter(0, attempts=1, failures=0)
    state = await scene.state(task)
    assert (state.status, state.attempts) == (Status.QUEUED, 0)
    assert await fake_model.calls() == []


async def test_a_worker_told_to_end_gives_its_task_back_as_it_was(
    scene: Scene, worker: Role, fake_model: FakeModel, in_background: InBackground
) -> None:
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    handling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handling
    state = await scene.state(task)
    assert (state.status, state.attempts, state.failures, state.crashes) == (Status.QUEUED, 1, 0, 0)
    await fake_model.wait_for_in_flight(0)
    await fake_model.release_all()
    assert isinstance(await scene.worker().handle(task), Settled), "the next worker may have it at once"


async def test_a_bug_of_ours_gives_the_task_back_and_is_not_hidden(
    scene: Scene, worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker.executor._model, "call", broken)
    task = a_task()
    with pytest.raises(ZeroDivisionError):
        await worker.handle(task)
    state = await scene.state(task)
    assert (state.status, state.failures) == (Status.QUEUED, 0)


async def test_a_released_task_is_no_longer_renewed(scene: Scene, worker: Role) -> None:
    task = a_task("[[status=500]]")
    await worker.handle(task)
    await worker.keeper.renew()
    assert worker.counted("claims_lost_total") == 0
    assert (await scene.state(task)).status is Status.QUEUED
    assert Hold.LOST not in (await worker.leases.renew([]))


async def test_what_was_started_anew_since_is_not_published_for_the_run_before(scene: Scene, worker: Role) -> None:
    task = a_task()
    await worker.handle(task)
    # Between this worker's claim, answered by the end of run 1, and its reading of that end.
    await scene.set(task, run=2)
    assert await worker.recorder.publish_again(task, a_delivery(task)) == Settled()


async def test_a_task_that_lives_again_is_looked_at_again(worker: Role) -> None:
    task = a_task("[[status=500]]")
    await worker.handle(task)
    assert await worker.recorder.publish_again(task, a_delivery(task)) == RetryAfter(2.0)


async def test_a_result_read_from_the_store_is_published_within_one_lease(scene: Scene, worker: Role) -> None:
    task = a_task()
    await worker.handle(task)
    outcome = await scene.worker(lease_seconds=5).handle(task)
    assert isinstance(outcome, Settled)
    assert 0 < outcome.publish_before - asyncio.get_running_loop().time() <= 5

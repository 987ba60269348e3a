"""Redis out of reach at any moment of a task: nothing is lost, and nothing called twice because of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from common.settings import RedisSettings
from common.store.keys import Keys
from common.task import Status
from consumer.engine.ports import RetryAfter, Settled
from tests.consumer.llm.harness import InBackground, Scene, a_delivery, a_task, model_server
from tests.support.fake_model import FakeModel
from tests.support.processes import Processes
from tests.support.redis_client import create_redis
from tests.support.servers import OwnServer, free_ports, own_valkey
from tests.support.waiting import until


@pytest.fixture
async def valkey(processes: Processes, tmp_path: Path) -> AsyncIterator[OwnServer]:
    async with free_ports() as ports:
        yield await own_valkey(processes, ports, tmp_path)


@pytest.fixture
async def scene(valkey: OwnServer, fake_model: FakeModel) -> AsyncIterator[Scene]:
    settings = RedisSettings.model_validate({"url": valkey.address, "timeout_seconds": 0.2})
    redis = create_redis(settings, "tests")
    async with model_server(fake_model.base_url) as server:
        scene = Scene(redis, Keys(settings.key_prefix), server)
        await scene.whole()
        yield scene
    await redis.aclose()


async def test_before_the_call_the_task_is_put_off(scene: Scene, valkey: OwnServer, fake_model: FakeModel) -> None:
    worker = scene.worker()
    await valkey.process.kill()
    task = a_task()
    waits = [await worker.handle(task) for _ in range(4)]
    delays = [outcome.delay_seconds for outcome in waits if isinstance(outcome, RetryAfter)]
    assert len(delays) == 4
    assert delays == sorted(delays)
    assert delays[-1] <= 0.2
    assert await fake_model.calls() == []
    await valkey.process.start()
    # It was empty before, and a rebuild would find nothing.
    await scene.whole()
    assert isinstance(await worker.handle(task), Settled)
    assert len(await fake_model.calls()) == 1


async def test_a_claim_that_was_never_answered_is_still_this_workers(
    scene: Scene, valkey: OwnServer, fake_model: FakeModel
) -> None:
    worker = scene.worker()
    await worker.handle(a_task("connected"))
    task = a_task("late")
    await scene.accept(task)
    valkey.process.freeze()
    assert isinstance(await worker.handle(task), RetryAfter)
    valkey.process.thaw()
    # The frozen server got the claim all the same, and carries it out now.

    async def claimed() -> bool:
        return (await scene.state(task)).status is Status.PROCESSING

    await until(claimed, what="the claim that nobody heard of")
    assert isinstance(await worker.handle(task), Settled)
    state = await scene.state(task)
    assert (state.status, state.attempts, state.crashes) == (Status.COMPLETED, 1, 0)
    assert len(await fake_model.calls(prompt="late")) == 1


@pytest.mark.parametrize("prompt", ["hello", "[[status=500]]"], ids=["an answer", "a failure"])
async def test_after_the_call_its_outcome_is_kept_until_it_is_recorded(
    scene: Scene, valkey: OwnServer, fake_model: FakeModel, in_background: InBackground, prompt: str
) -> None:
    worker = scene.worker()
    await fake_model.hold()
    task = a_task(prompt)
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await valkey.process.kill()
    await fake_model.release_all()
    move = "finish" if prompt == "hello" else "release"
    await until(lambda: worker.counted("store_failures_total", move=move) >= 2)
    assert not handling.done()
    await valkey.process.start()
    outcome = await handling
    state = await scene.state(task)
    if prompt == "hello":
        assert isinstance(outcome, Settled)
        assert state.status is Status.COMPLETED
    else:
        assert isinstance(outcome, RetryAfter)
        assert (state.status, state.failures) == (Status.QUEUED, 1)
    assert len(await fake_model.calls()) == 1


async def test_a_redis_that_refuses_writes_loses_no_answer_and_fails_no_task(
    scene: Scene, fake_model: FakeModel, in_background: InBackground
) -> None:
    worker = scene.worker()
    await fake_model.hold()
    called, waiting = a_task("called"), a_task("waiting")
    for task in (called, waiting):
        await scene.accept(task)
    handling = in_background(worker.handle(called))
    await fake_model.wait_for_in_flight(1)
    await scene.redis.config_set("min-replicas-to-write", 1)
    await fake_model.release_all()
    assert isinstance(await worker.handle(waiting), RetryAfter)
    assert isinstance(await worker.executor.give_up(a_delivery(waiting), "ReplyError"), RetryAfter)
    await until(lambda: worker.counted("store_failures_total", move="finish") >= 2)
    assert not handling.done()
    await scene.redis.config_set("min-replicas-to-write", 0)
    assert isinstance(await handling, Settled)
    assert isinstance(await worker.handle(waiting), Settled)
    assert await fake_model.calls_by_prompt() == {"called": 1, "waiting": 1}


async def test_a_task_that_redis_forgot_is_recorded_all_the_same(
    scene: Scene, fake_model: FakeModel, in_background: InBackground
) -> None:
    worker = scene.worker()
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await scene.redis.flushall()
    await fake_model.release_all()
    assert isinstance(await handling, Settled)
    state = await scene.state(task)
    assert (state.status, state.attempts) == (Status.COMPLETED, 1)
    assert len(await fake_model.calls()) == 1


async def test_a_worker_that_could_not_renew_in_time_starts_no_call(
    scene: Scene, fake_model: FakeModel, in_background: InBackground
) -> None:
    worker = scene.worker(lease_seconds=2)
    await fake_model.hold()
    held, other = a_task("held"), a_task("other")
    handling = in_background(worker.handle(held))
    await fake_model.wait_for_in_flight(1)
    await until(lambda: not worker.keeper.in_touch)
    assert await worker.handle(other) == RetryAfter(2.0)
    assert len(await fake_model.calls()) == 1
    await worker.keeper.renew()
    assert worker.keeper.in_touch
    await fake_model.release_all()
    assert isinstance(await handling, Settled)
    assert isinstance(await worker.handle(other), Settled)


async def test_the_end_of_the_process_does_not_wait_for_a_redis_that_is_away(
    scene: Scene, valkey: OwnServer, fake_model: FakeModel, in_background: InBackground
) -> None:
    worker = scene.worker()
    await fake_model.hold()
    handling = in_background(worker.handle(a_task()))
    await fake_model.wait_for_in_flight(1)
    await valkey.process.kill()
    await fake_model.release_all()
    await until(lambda: worker.counted("store_failures_total", move="finish") >= 1)
    handling.cancel()
    await until(handling.done, deadline=20)
    assert handling.cancelled()

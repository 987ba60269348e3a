import asyncio
from collections.abc import Sequence

import pytest

from common.store.claims import Claim, Claimed, Hold
from common.task import Task
from consumer.llm.lease_keeper import HeldLease, LeaseLost
from tests.consumer.llm.harness import Role, Scene, a_task
from tests.support.waiting import until


async def claimed(worker: Role, task: Task) -> Claim:
    reply = await worker.leases.claim(task, token=next(worker.tokens), partition=3, offset=7)
    assert isinstance(reply, Claimed)
    return reply.claim


def a_lease(lapses_at: float = 1000.0) -> HeldLease:
    claim = Claim(
        task=a_task(),
        token="t",
        partition=0,
        offset=0,
        attempts=1,
        failures=0,
        crashes=0,
        started_at=0,
        expires_in_seconds=100,
    )
    return HeldLease(claim, lapses_at, lambda: 999.0)


async def lease_until(scene: Scene, task: Task) -> int:
    value = await scene.redis.hget(scene.keys.task(task.task_id), "lease_until")
    assert value is not None
    return int(value)


async def test_a_claim_is_renewed_while_it_is_kept_and_no_longer(scene: Scene) -> None:
    worker = scene.worker(lease_seconds=1)
    task = a_task()
    running = asyncio.create_task(worker.keeper.run())
    with worker.keeper.keep(await claimed(worker, task), since=asyncio.get_running_loop().time()) as lease:
        first, at_first = await lease_until(scene, task), lease.lapses_at

        async def renewed_past_its_lease() -> bool:
            return await lease_until(scene, task) > first + 1500

        await until(renewed_past_its_lease)
        assert lease.runs
        assert lease.lapses_at > at_first + 1
        assert worker.counted("leases_held") == 1
    assert worker.counted("leases_held") == 0
    last = await lease_until(scene, task)
    await worker.keeper.renew()
    assert await lease_until(scene, task) == last
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_hundreds_of_claims_are_renewed_in_few_round_trips(
    scene: Scene, worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    renew = worker.leases.renew

    async def counted(claims: Sequence[tuple[Claim, bool]]) -> list[Hold]:
        sizes.append(len(claims))
        return await renew(claims)

    monkeypatch.setattr(worker.leases, "renew", counted)
    tasks = [a_task() for _ in range(600)]
    claims = await asyncio.gather(*(claimed(worker, task) for task in tasks))
    for task in tasks:
        await scene.set(task, lease_until=1)
    keeps = [worker.keeper.keep(claim, since=0) for claim in claims]
    for keep in keeps:
        keep.__enter__()
    await worker.keeper.renew()
    assert sizes == [256, 256, 88]
    assert min([await lease_until(scene, task) for task in tasks]) > 1
    for keep in keeps:
        keep.__exit__(None, None, None)


async def test_renewing_goes_on_after_an_error_nobody_thought_of(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = scene.worker(lease_seconds=0.1)
    errors = [ZeroDivisionError(), ZeroDivisionError()]
    renewed = asyncio.Event()

    async def failing(_claims: object) -> list[Hold]:
        if errors:
            raise errors.pop()
        renewed.set()
        return [Hold.HELD]

    claim = await claimed(worker, a_task())
    monkeypatch.setattr(worker.leases, "renew", failing)
    running = asyncio.create_task(worker.keeper.run())
    with worker.keeper.keep(claim, since=0):
        assert not worker.keeper.in_touch
        async with asyncio.timeout(30):
            await renewed.wait()
        await until(lambda: worker.keeper.in_touch)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_worker_that_holds_nothing_is_in_touch(worker: Role) -> None:
    assert worker.keeper.in_touch


@pytest.mark.parametrize("hold", [Hold.LOST, Hold.FINAL])
async def test_a_lost_lease_ends_what_runs_under_it(hold: Hold) -> None:
    lease, begun = a_lease(), asyncio.Event()

    async def work() -> None:
        async with lease.guard():
            begun.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(work())
    await begun.wait()
    lease.lose(hold)
    with pytest.raises(LeaseLost) as caught:
        await running
    assert caught.value.hold is hold


async def test_nothing_runs_under_a_lease_that_is_lost() -> None:
    lease = a_lease()
    lease.lose(Hold.LOST)
    with pytest.raises(LeaseLost):
        async with lease.guard():
            raise AssertionError("ran")


async def test_a_timeout_or_a_cancellation_of_the_body_stays_what_it_is() -> None:
    lease, begun = a_lease(), asyncio.Event()
    with pytest.raises(TimeoutError):
        async with lease.guard():
            raise TimeoutError

    async def work() -> None:
        async with lease.guard():
            begun.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(work())
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_lease_lost_after_its_call_changes_nothing_then() -> None:
    lease = a_lease()
    async with lease.guard():
        pass
    lease.lose(Hold.FINAL)
    assert lease.lost is Hold.FINAL


def test_a_lease_runs_until_it_lapses_by_this_process_own_clock() -> None:
    assert a_lease(1000.0).runs
    assert not a_lease(999.0).runs

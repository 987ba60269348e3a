"""Workers that are killed, stopped, added, removed and halted while tasks come in."""

import asyncio
import time
from collections import Counter

import aiohttp
import pytest

from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import CONCURRENCY, LEASE_SECONDS, PATIENCE_SECONDS, SESSION_SECONDS, Scene, Terms
from tests.support.blocking_worker import BLOCK, BLOCKED, MODULE as BLOCKING_WORKER, WAKE
from tests.support.fake_model import Outcome
from tests.support.waiting import until

_ROUNDS = 10
# What a dead worker held is free by then; the rest is for a machine that starts its successor slowly.
_RECOVERY_SECONDS = max(LEASE_SECONDS, SESSION_SECONDS) + 30
# What a worker fetches beyond its slots.
_FETCHED = 16


async def kill_workers(scene: Scene) -> None:
    """Each killed worker is replaced at once, as any orchestrator would; in the end only after all has recovered."""
    for number in range(_ROUNDS):
        await scene.calls_in_flight()
        killed = scene.random.choice(scene.workers)
        await killed.kill()
        if number < _ROUNDS // 2:
            await killed.start()
        else:
            scene.recovery_begins()
            await killed.start()
            await scene.accepted_ended()


async def kill_a_worker_with_a_backlog(scene: Scene) -> None:
    """The group waits for the dead one's session as soon as its successor is there; the others have records fetched."""
    latency = scene.session_seconds / 3
    await scene.model.behave(latency_seconds=latency, jitter_seconds=latency / 2)
    numbers = range(len(scene.workers) * (CONCURRENCY + _FETCHED))
    await scene.submit([f"backlog {len(scene.extra)} {number}" for number in numbers])
    await scene.calls_in_flight(each=CONCURRENCY)
    killed = scene.workers[0]
    killed_at = time.time()
    await killed.kill()
    scene.recovery_begins()
    await killed.start()
    assigned_at = time.time()
    half_way = (killed_at + assigned_at) / 2
    completed = [
        call
        for call in await scene.model.calls()
        if call.started_at > killed_at
        and call.finished_at is not None
        and half_way < call.finished_at < assigned_at
        and call.outcome is Outcome.ANSWERED
    ]
    assert len(completed) >= CONCURRENCY, f"{len(completed)} calls completed in {assigned_at - half_way:.1f} s"
    await scene.model.behave(latency_seconds=0.5)


async def stop_workers(scene: Scene) -> None:
    """A rolling deploy: the next one is stopped as soon as the last one's successor is ready."""
    for number in range(_ROUNDS):
        leaving = scene.workers[number % len(scene.workers)]
        leaving.terminate()
        assert await leaving.exit_status() == 0
        await leaving.start()


async def scale_out_and_in(scene: Scene) -> None:
    """Three workers more, then as many as before."""
    before = len(scene.workers)
    added = [await scene.start_worker() for _ in range(3)]
    await scene.view.wait_for_workers(before + 3)
    await scene.load.accepts_more(20)
    await asyncio.gather(*(scene.end_worker(worker) for worker in added))
    await scene.view.wait_for_workers(before)


async def halt_a_worker(scene: Scene) -> None:
    """It comes back as a zombie: others have its partitions, and its tasks' leases."""
    zombie = scene.workers[0]
    zombie.freeze()
    scene.recovery_begins()
    await scene.view.wait_for_workers(len(scene.workers) - 1)
    await scene.lasting(scene.lease_seconds + 1)
    zombie.thaw()
    await scene.view.wait_for_workers(len(scene.workers))


async def block_a_worker(scene: Scene) -> None:
    """Its process lives, its loop does nothing. Awake again, it has answers for tasks that others are calling for."""
    blocked = await scene.start_worker(BLOCKING_WORKER)
    await scene.view.wait_for_workers(len(scene.workers))
    prompts = [f"held {len(scene.extra)} {number} [[hold]]" for number in range(2 * len(scene.workers))]
    # Neighbours run on different workers: two for each.
    task_ids = await scene.submit(prompts)
    await until(lambda: _calls(scene, prompts), deadline=PATIENCE_SECONDS, what="calls of every worker that last")
    holders = dict(zip(prompts, [await scene.holder(task_id) for task_id in task_ids], strict=True))
    held = [prompt for prompt in prompts if holders[prompt] == blocked.pid]
    blocked.send(BLOCK)
    await until(lambda: BLOCKED in blocked.log(), deadline=PATIENCE_SECONDS, what="the worker to be blocked")
    scene.recovery_begins()
    for prompt in holders.keys() - set(held):
        await scene.model.release_prompt(prompt)
    await scene.view.wait_for_workers(len(scene.workers) - 1)
    await until(lambda: _calls(scene, held, each=2), deadline=PATIENCE_SECONDS, what="others to call for what it held")
    # The first calls are the oldest, and their answers wait for the blocked worker.
    await scene.model.release(len(held))
    blocked.send(WAKE)

    async def threw_away() -> bool:
        return await scene.deployment.metric(blocked, "promptmill_claims_lost_total") >= len(held) > 0

    await until(
        threw_away,
        deadline=PATIENCE_SECONDS,
        what="the worker to find that its claims are lost",
        ignoring=(aiohttp.ClientError,),
    )
    await scene.model.release_all()
    await scene.view.wait_for_workers(len(scene.workers))
    await scene.end_worker(blocked)


async def _calls(scene: Scene, prompts: list[str], *, each: int = 1) -> bool:
    calls = Counter(call.prompt for call in await scene.model.calls())
    return all(calls[prompt] >= each for prompt in prompts)


async def halt_a_worker_for_a_moment(scene: Scene) -> None:
    """Less than its session and its lease: nobody learns of it."""
    halted = scene.workers[0]
    halted.freeze()
    await scene.lasting(SESSION_SECONDS - 2)
    halted.thaw()


FAULTS = [
    Fault(
        name=f"`kill -9` of a worker, {_ROUNDS} times, each replaced at once",
        strike=kill_workers,
        duplicates=_ROUNDS * CONCURRENCY,
        recovery_seconds=_RECOVERY_SECONDS,
    ),
    Fault(
        name="`kill -9` of a worker, replaced at once, while all have a backlog: the others keep completing",
        strike=kill_a_worker_with_a_backlog,
        duplicates=CONCURRENCY,
        terms=Terms(requests_per_second=1),
    ),
    Fault(name=f"SIGTERM to a worker, {_ROUNDS} times, each replaced", strike=stop_workers),
    Fault(name="From 1 worker to 4, and back to 1", strike=scale_out_and_in, terms=Terms(workers=1)),
    Fault(
        name="SIGSTOP of a worker past session and lease, then SIGCONT (a zombie)",
        strike=halt_a_worker,
        duplicates=CONCURRENCY,
        recovery_seconds=_RECOVERY_SECONDS,
    ),
    Fault(
        name="A worker's event loop blocked past session and lease",
        strike=block_a_worker,
        duplicates=CONCURRENCY,
        recovery_seconds=_RECOVERY_SECONDS,
    ),
    Fault(name="SIGSTOP of a worker for less than its lease", strike=halt_a_worker_for_a_moment),
]


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.strike.__name__) for fault in FAULTS])
async def test_nothing_is_lost_and_nothing_paid_for_twice(strike: Strike, fault: Fault) -> None:
    await strike(fault)

"""Workers that are killed, stopped, added, removed and halted while tasks come in."""

import asyncio

import pytest

from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import CONCURRENCY, LEASE_SECONDS, SESSION_SECONDS, Scene, Terms

_ROUNDS = 10


async def kill_workers(scene: Scene) -> None:
    """Each killed worker is replaced at once, as any orchestrator would."""
    for _ in range(_ROUNDS):
        await scene.calls_in_flight()
        killed = scene.random.choice(scene.workers)
        await killed.kill()
        scene.recovery_begins()
        await killed.start()


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


async def halt_a_worker_for_a_moment(scene: Scene) -> None:
    """Less than its session, more than its lease: the group never learns of it."""
    halted = scene.workers[0]
    halted.freeze()
    await scene.lasting(SESSION_SECONDS - 2)
    halted.thaw()


FAULTS = [
    Fault(
        name=f"`kill -9` of a worker, {_ROUNDS} times, each replaced at once",
        strike=kill_workers,
        duplicates=_ROUNDS * CONCURRENCY,
        recovery_seconds=max(LEASE_SECONDS, SESSION_SECONDS) + 10,
    ),
    Fault(name=f"SIGTERM to a worker, {_ROUNDS} times, each replaced", strike=stop_workers),
    Fault(name="From 1 worker to 4, and back to 1", strike=scale_out_and_in, terms=Terms(workers=1)),
    Fault(
        name="SIGSTOP of a worker past session and lease, then SIGCONT (a zombie)",
        strike=halt_a_worker,
        duplicates=CONCURRENCY,
        recovery_seconds=max(LEASE_SECONDS, SESSION_SECONDS) + 10,
    ),
    Fault(name="SIGSTOP of a worker for less than its lease", strike=halt_a_worker_for_a_moment),
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.strike.__name__) for fault in FAULTS])
async def test_nothing_is_lost_and_nothing_paid_for_twice(strike: Strike, fault: Fault) -> None:
    await strike(fault)

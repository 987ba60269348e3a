"""A store that is lost or goes back in time while tasks come in."""

import shutil
from pathlib import Path

import pytest

from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import CONCURRENCY, Scene

_SNAPSHOT_AGE_SECONDS = 20


async def flush(scene: Scene) -> None:
    await scene.redis.flushall()


async def flush_and_kill(scene: Scene) -> None:
    """The worker has no time to write back what it knows."""
    killed = scene.workers[0]
    await scene.redis.flushall()
    await killed.kill()
    scene.recovery_begins()
    await killed.start()


async def flush_and_rebalance(scene: Scene) -> None:
    await scene.redis.flushall()
    added = await scene.start_worker()
    await scene.view.wait_for_workers(len(scene.workers))
    await scene.end_worker(added)


async def go_back_in_time(scene: Scene) -> None:
    """Valkey comes back with the data it had 20 s before."""
    valkey = scene.servers.valkey.process
    folder = Path(valkey.child.argv[-1]).parent
    kept = folder.with_name("valkey-snapshot")
    shutil.copytree(folder, kept)
    try:
        await scene.lasting(_SNAPSHOT_AGE_SECONDS)
        await valkey.kill()
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        await valkey.start()
    finally:
        shutil.rmtree(kept)


FAULTS = [
    Fault(name="FLUSHALL", strike=flush),
    Fault(
        name="FLUSHALL, and `kill -9` of a worker at once",
        strike=flush_and_kill,
        # Its calls in flight, and those it had finished and not committed.
        duplicates=4 * CONCURRENCY,
    ),
    Fault(name="FLUSHALL, and a rebalance at once", strike=flush_and_rebalance),
    Fault(
        name=f"Valkey restarted with the data it had {_SNAPSHOT_AGE_SECONDS} s before",
        strike=go_back_in_time,
    ),
]


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.strike.__name__) for fault in FAULTS])
async def test_a_store_that_was_lost_comes_back_by_itself(strike: Strike, fault: Fault) -> None:
    await strike(fault)

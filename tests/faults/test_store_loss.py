"""A store that is lost or goes back in time while tasks come in."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import CONCURRENCY, QUICK, Scene, Terms

_SNAPSHOT_AGE_SECONDS = 20
_LONG_CALL_SECONDS, _LONG_LEASE_SECONDS = 8.0, 30


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
    async with _put_back(scene):
        await scene.lasting(_SNAPSHOT_AGE_SECONDS)


async def go_back_in_time_and_scale_out(scene: Scene) -> None:
    """What the old data show as queued is in flight, and comes to a worker that was added meanwhile."""
    at_once = CONCURRENCY * len(scene.workers)
    await scene.model.behave(latency_seconds=_LONG_CALL_SECONDS, jitter_seconds=1)
    await scene.submit([f"queued {len(scene.extra)} {number}" for number in range(3 * at_once)])
    await scene.calls_in_flight(each=CONCURRENCY)
    async with asyncio.TaskGroup() as starting, _put_back(scene):
        await scene.model_called_more(at_once)
        await scene.servers.valkey.process.kill()
        added = starting.create_task(scene.start_worker())
        await scene.view.wait_for_workers(len(scene.workers) + 1)
    await scene.model.behave(latency_seconds=0.5)
    await scene.end_worker(await added)


@asynccontextmanager
async def _put_back(scene: Scene) -> AsyncIterator[None]:
    """End Valkey after the body, and start it with the data it had before."""
    valkey = scene.servers.valkey.process
    folder = Path(valkey.child.argv[-1]).parent
    kept = folder.with_name("valkey-snapshot")
    shutil.copytree(folder, kept)
    try:
        yield
        if valkey.is_running():
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
    Fault(
        name="Valkey restarted with older data that show tasks in flight as queued, and a worker added meanwhile",
        strike=go_back_in_time_and_scale_out,
        # Longer than Redis is away: of what lapsed meanwhile nobody can tell whose it is.
        terms=Terms(requests_per_second=1, worker_settings={**QUICK, "worker__lease_seconds": _LONG_LEASE_SECONDS}),
    ),
]


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.strike.__name__) for fault in FAULTS])
async def test_a_store_that_was_lost_comes_back_by_itself(strike: Strike, fault: Fault) -> None:
    await strike(fault)

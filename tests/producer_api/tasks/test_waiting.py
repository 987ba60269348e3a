"""A wait, where a move falls between its steps."""

import asyncio
import time
from collections.abc import Sequence

from common.store.state import TaskState
from common.task import Status, Task, new_task_id
from producer_api.tasks.lookup import Lookup
from producer_api.tasks.waiting import Waiting
from tests.producer_api.tasks.conftest import Scene
from tests.support.waiting import until

# Before the store is looked at whatever was told.
AT_ONCE_SECONDS = 15


class Interrupted(Lookup):
    """Reads as ever; after its first reading, and before anything else, the task ends."""

    def __init__(self, scene: Scene, task: Task) -> None:
        self._scene = scene
        self._task = task
        self.readings = 0

    async def find(self, asked: Sequence[str], *, tenant: str) -> list[TaskState | None]:
        found = await self._scene.lookup.find(asked, tenant=tenant)
        self.readings += 1
        if self.readings == 1:
            await self._scene.finished(self._task)
        return found


async def test_an_end_between_the_first_look_and_the_subscription_is_not_missed(scene: Scene) -> None:
    claim = (await scene.claimed()).claim
    lookup = Interrupted(scene, claim.task)
    waiting = Waiting(lookup, scene.following, clock=time.monotonic, now=time.time)
    async with asyncio.timeout(AT_ONCE_SECONDS):
        [state] = await waiting.find([claim.task.task_id], tenant="t", seconds=100)
    assert state is not None
    assert state.status is Status.FAILED
    assert lookup.readings == 2


async def test_moves_that_are_no_end_wake_nobody(scene: Scene) -> None:
    claim = (await scene.claimed()).claim
    lookup = Interrupted(scene, Task(task_id=new_task_id(), tenant="t", body={}, created_at=1.0, expires_at=4e9))
    waiting = Waiting(lookup, scene.following, clock=time.monotonic, now=time.time)
    wait = asyncio.create_task(waiting.find([claim.task.task_id], tenant="t", seconds=100))
    while lookup.readings < 2:
        await scene.leases.renew([(claim, True)])
    for progress in range(30, 70):
        await scene.leases.progress(claim, progress, may_restore=False)
    await scene.finished(claim.task)
    async with asyncio.timeout(AT_ONCE_SECONDS):
        [state] = await wait
    assert state is not None
    assert (state.status, lookup.readings) == (Status.FAILED, 3)


async def test_an_end_while_nothing_is_heard_is_seen_as_soon_as_something_is(scene: Scene) -> None:
    claim = (await scene.claimed()).claim
    waiting = Waiting(scene.lookup, scene.following, clock=time.monotonic, now=time.time)
    wait = asyncio.create_task(waiting.find([claim.task.task_id], tenant="t", seconds=100))
    channel = scene.keys.task(claim.task.task_id)

    async def is_heard() -> bool:
        return await scene.redis.pubsub_numsub(channel) == [(channel.encode(), 1)]

    await until(is_heard)
    await scene.cut()
    await scene.finished(claim.task)
    scene.gate.set()
    async with asyncio.timeout(AT_ONCE_SECONDS):
        [state] = await wait
    assert state is not None
    assert state.status is Status.FAILED

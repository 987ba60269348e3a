"""A store that is wiped, halted or killed under load: nothing is lost, and nothing called twice because of it."""

import asyncio

from tests.consumer.store_loss.scene import LossScene
from tests.support.api import Api
from tests.support.waiting import until


async def under_load(scene: LossScene) -> tuple[Api, list[str]]:
    """Two workers, a quarter of many tasks answered."""
    api = await scene.start()
    await scene.model.behave(latency_seconds=0.3)
    task_ids = await api.submit([f"prompt {number}" for number in range(120)])

    async def some_answered() -> bool:
        return (await scene.model.stats()).answered >= 30

    await until(some_answered, what="a quarter of the answers")
    return api, task_ids


async def test_a_store_wiped_under_load_loses_no_task_and_repeats_no_call(scene: LossScene) -> None:
    api, task_ids = await under_load(scene)
    await scene.redis.flushall()
    await scene.completed(api, task_ids)
    await scene.check_each_once(task_ids)


async def test_a_store_wiped_twice_loses_no_task_and_repeats_no_call(scene: LossScene) -> None:
    api, task_ids = await under_load(scene)
    await scene.redis.flushall()
    await scene.until_whole()
    await scene.redis.flushall()
    await scene.completed(api, task_ids)
    await scene.check_each_once(task_ids)


async def test_a_store_killed_under_load_loses_no_task_and_repeats_no_call(scene: LossScene) -> None:
    api, task_ids = await under_load(scene)
    await scene.valkey.process.kill()
    await scene.valkey.process.start()
    await scene.completed(api, task_ids)
    await scene.check_each_once(task_ids)


async def test_a_store_halted_for_longer_than_a_lease_loses_no_task_and_repeats_no_call(scene: LossScene) -> None:
    api, task_ids = await under_load(scene)
    scene.valkey.process.freeze()
    clock = asyncio.get_running_loop().time
    frozen_at = clock()
    await until(lambda: clock() >= frozen_at + 12)
    calls = (await scene.model.stats()).calls
    assert calls < len(task_ids), "a worker that cannot claim begins no call"
    scene.valkey.process.thaw()
    await scene.completed(api, task_ids)
    await scene.check_each_once(task_ids)

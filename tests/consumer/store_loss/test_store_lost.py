"""A store that is wiped under load: nothing is lost, and nothing called twice because of it."""

from tests.consumer.store_loss.scene import LossScene
from tests.support.waiting import until


async def test_a_store_wiped_under_load_loses_no_task_and_repeats_no_call(scene: LossScene) -> None:
    api = await scene.start()
    await scene.model.behave(latency_seconds=0.3)
    task_ids = await api.submit([f"prompt {number}" for number in range(120)])

    async def some_answered() -> bool:
        return (await scene.model.stats()).answered >= 30

    await until(some_answered, what="a quarter of the answers")
    await scene.redis.flushall()
    await scene.completed(api, task_ids)
    await scene.check_each_once(task_ids)

"""Tasks cancelled and deleted at random moments."""

from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import Scene

_ENDINGS = 60


async def cancel_and_delete(scene: Scene) -> None:
    """Of the newest tasks: some are queued, some in flight, some finished. What cancel answers is how they end."""
    for _ in range(_ENDINGS):
        await scene.load.accepts_more(1)
        task_id = scene.random.choice(list(scene.load.accepted)[-12:])
        if task_id in scene.deleted:
            continue
        if scene.random.random() < 0.5:
            answer = await scene.api.ask("POST", f"/v1/tasks/{task_id}/cancel")
            assert answer.status == 200, answer
            assert answer.body["status"] in {"cancelled", "completed"}, answer
            scene.may_end[task_id] = frozenset({answer.body["status"]})
        else:
            answer = await scene.api.ask("DELETE", f"/v1/tasks/{task_id}")
            assert answer.status == 200, answer
            scene.deleted.add(task_id)


FAULTS = [Fault(name=f"Tasks cancelled and deleted at random moments, {_ENDINGS} times", strike=cancel_and_delete)]


async def test_what_was_cancelled_stays_cancelled_and_what_was_deleted_stays_away(strike: Strike) -> None:
    [fault] = FAULTS
    await strike(fault)

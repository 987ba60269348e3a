"""A finished task that was lost and restored from its result record is shown as it was."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import orjson
import pytest

from common.store.ending import Endings
from common.store.restoring import Restoring
from common.store.state import TaskState
from common.task import Status, Task
from consumer.engine.ports import Headers, Outcome, OutgoingRecord, Settled
from consumer.rebuilding.outcomes import read_outcome
from tests.consumer.llm.harness import DAY, NAMES, InBackground, Role, Scene, a_delivery, a_task
from tests.support.fake_model import FakeModel

# Who ran it, what went wrong on the way, when the store last moved it: nobody is shown that of a finished task.
_UNSHOWN = frozenset({"worker", "failures", "crashes", "moved_at"})
_WINDOW_SECONDS = 7 * DAY

Ending = Callable[[Scene, Role, FakeModel, InBackground], Awaitable[tuple[Task, Outcome]]]


async def completed(_scene: Scene, worker: Role, _model: FakeModel, _start: InBackground) -> tuple[Task, Outcome]:
    task = a_task("hello", life=500.0, metadata={"a": 1})
    return task, await worker.handle(task)


async def broken_off(scene: Scene, _worker: Role, _model: FakeModel, _start: InBackground) -> tuple[Task, Outcome]:
    worker = scene.worker(max_attempts=1)
    telling = asyncio.create_task(worker.texts.run())
    task = a_task(f"{'word ' * 40}[[cut;chunk-latency=0.02]]", life=500.0, stream=True)
    task.body["max_tokens"] = 40
    outcome = await worker.handle(task)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    return task, outcome


async def rejected(_scene: Scene, worker: Role, _model: FakeModel, _start: InBackground) -> tuple[Task, Outcome]:
    task = a_task("[[status=400]]", life=500.0)
    return task, await worker.handle(task)


async def given_up(_scene: Scene, worker: Role, _model: FakeModel, _start: InBackground) -> tuple[Task, Outcome]:
    task = a_task(life=500.0)
    outcome = await worker.executor.give_up(a_delivery(task), "ValueError")
    assert outcome is not None
    return task, outcome


async def cancelled_in_flight(
    scene: Scene, worker: Role, model: FakeModel, start: InBackground
) -> tuple[Task, Outcome]:
    task = a_task("[[hang]]", life=500.0)
    handling = start(worker.handle(task))
    await model.wait_for_in_flight(1)
    await Endings(scene.redis.link, scene.keys, result_ttl_seconds=DAY).cancel([task.task_id], tenant="local")
    handling.cancel()
    return task, await scene.worker().handle(task)


async def expired_in_flight(
    _scene: Scene, worker: Role, _model: FakeModel, _start: InBackground
) -> tuple[Task, Outcome]:
    task = a_task("[[hang]]", life=0.5)
    return task, await worker.handle(task)


ENDINGS = [completed, broken_off, rejected, given_up, cancelled_in_flight, expired_in_flight]


def result_of(outcome: Outcome) -> OutgoingRecord:
    assert isinstance(outcome, Settled)
    [record] = [record for record in outcome.records if record.topic == NAMES.results]
    return record


def shown(state: TaskState | None) -> dict[str, object]:
    assert state is not None
    return {name: value for name, value in state._asdict().items() if name not in _UNSHOWN | {"result"}}


async def restored(scene: Scene, task: Task, value: bytes, headers: Headers = ()) -> None:
    await scene.redis.delete(*scene.keys.of(task.task_id))
    outcome = read_outcome(task.task_id, value, headers, deadline_seconds=_WINDOW_SECONDS)
    assert await Restoring(scene.redis.link, scene.keys, result_ttl_seconds=DAY).restore([outcome]) == 1


@pytest.mark.parametrize("end", ENDINGS, ids=[end.__name__ for end in ENDINGS])
async def test_a_finished_task_is_restored_as_it_was_shown(
    scene: Scene, worker: Role, fake_model: FakeModel, in_background: InBackground, end: Ending
) -> None:
    task, outcome = await end(scene, worker, fake_model, in_background)
    before = shown(await scene.state(task))
    record = result_of(outcome)
    await restored(scene, task, record.value or b"", record.headers)
    after = await scene.state(task)
    assert (before["partition"], before["offset"]) == (3, 7)
    assert shown(after) == before
    assert after.result == record.value


async def test_a_lost_outcome_that_is_written_back_is_shown_as_it_was(scene: Scene, worker: Role) -> None:
    await worker.watch.look()
    task = a_task(life=500.0)
    await worker.executor.give_up(a_delivery(task), "ValueError")
    before = shown(await scene.state(task))
    await scene.redis.flushall()
    await worker.watch.look()
    assert shown(await scene.state(task)) == before


async def test_a_record_of_before_these_fields_is_restored_with_a_guess(scene: Scene, worker: Role) -> None:
    task = a_task(life=500.0)
    content = orjson.loads(result_of(await worker.handle(task)).value or b"")
    del content["expires_at"], content["progress"]
    await restored(scene, task, orjson.dumps(content))
    state = await scene.state(task)
    assert (state.status, state.progress, state.partition) == (Status.COMPLETED, 100, None)
    assert state.expires_at == pytest.approx(task.created_at + _WINDOW_SECONDS, abs=0.002)
    assert state.expires_at > time.time()

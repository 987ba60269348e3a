"""What a worker does about tasks that their tenant cancels or deletes, at every moment of their life."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry

from common.connections import create_redis_listener
from common.result import decode_result
from common.settings import RedisSettings
from common.store.cancellations import CancellationListener
from common.store.claims import Claimed, ClaimReply
from common.store.ending import Ending, Endings
from common.store.keys import Keys
from common.task import Status, Task
from consumer.engine.ports import Outcome, OutgoingRecord, RetryAfter, Settled
from consumer.llm.cancellation_watch import CancellationWatch
from consumer.llm.metrics import LlmMetrics
from consumer.llm.store_pace import StorePace
from tests.consumer.llm.harness import DAY, NAMES, InBackground, Role, Scene, a_delivery, a_task
from tests.support.fake_model import FakeModel
from tests.support.waiting import until


class Unheard(Keys):
    """The same keys, and a channel that nobody listens to."""

    @property
    def cancellations(self) -> str:
        return f"{self.prefix}nobody"


class Tenant:
    """Does what the API does for a tenant, a step at a time."""

    def __init__(self, scene: Scene) -> None:
        self._endings = Endings(scene.redis.link, scene.keys, result_ttl_seconds=DAY)
        self._scene = scene
        self._unheard = Endings(scene.redis.link, Unheard(scene.keys.prefix), result_ttl_seconds=DAY)

    async def cancel(self, task: Task) -> Ending:
        [ending] = await self._endings.cancel([task.task_id], tenant="local")
        return ending

    async def cancel_unheard(self, task: Task) -> None:
        """The worker is not listening just then."""
        await self._unheard.cancel([task.task_id], tenant="local")

    async def delete(self, task: Task) -> Ending:
        [ending] = await self._endings.delete([task.task_id], tenant="local", token="d")
        return ending

    async def tell(self, *task_ids: str) -> None:
        await self._scene.redis.publish(self._scene.keys.cancellations, " ".join(task_ids))


@pytest.fixture
def tenant(scene: Scene) -> Tenant:
    return Tenant(scene)


Watched = Callable[[Role], CollectorRegistry]


@pytest.fixture
def hurried() -> list[str]:
    """Ids that the engine is told of."""
    return []


@pytest.fixture
async def watched(scene: Scene, redis_settings: RedisSettings, hurried: list[str]) -> AsyncIterator[Watched]:
    """Has a worker renew its leases and hear of cancellations, as its process does."""
    running: list[asyncio.Task[None]] = []
    listener = create_redis_listener(redis_settings, "tests-listener")

    def start(role: Role) -> CollectorRegistry:
        registry = CollectorRegistry()
        pace = StorePace(base_seconds=0.05, cap_seconds=0.1, jitter=lambda: 0.5)
        metrics = LlmMetrics(registry)
        watch = CancellationWatch(
            CancellationListener(listener, scene.keys), role.keeper, hurry=hurried.extend, pace=pace, metrics=metrics
        )
        running.extend((asyncio.create_task(role.keeper.run()), asyncio.create_task(watch.run())))
        return registry

    yield start
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await listener.aclose()


async def listening(registry: CollectorRegistry) -> None:
    await until(lambda: registry.get_sample_value("promptmill_cancellations_heard") == 1, what="the subscription")


def the_record(outcome: Outcome) -> OutgoingRecord:
    assert isinstance(outcome, Settled)
    [record] = outcome.records
    assert record.topic == NAMES.results
    return record


async def ended(handling: Awaitable[Outcome]) -> Outcome:
    """The outcome, which is long due: nothing but what the test is about ends a held call."""
    async with asyncio.timeout(60):
        return await handling


def is_null_of(outcome: Outcome, task: Task) -> bool:
    record = the_record(outcome)
    return record.key == task.task_id.encode() and record.value is None


async def test_a_call_is_closed_as_soon_as_its_task_is_cancelled_and_its_result_published(
    scene: Scene,
    fake_model: FakeModel,
    in_background: InBackground,
    tenant: Tenant,
    watched: Watched,
) -> None:
    # The next renewal is minutes away: only the wake-up can end the call within this test's deadline.
    worker = scene.worker(lease_seconds=600)
    await listening(watched(worker))
    await fake_model.hold()
    task, other = a_task("cancelled"), a_task("other")
    handling = in_background(worker.handle(task))
    in_background(worker.handle(other, offset=8))
    await fake_model.wait_for_in_flight(2)
    assert await tenant.cancel(task) is Ending.CANCELLED
    result = decode_result(the_record(await ended(handling)).value or b"")
    assert (result["status"], result["error"], result["attempts"]) == ("cancelled", None, 1)
    await fake_model.wait_for_in_flight(1)
    assert (await scene.state(other)).status is Status.PROCESSING


async def test_a_call_is_closed_as_soon_as_its_task_is_deleted_and_a_null_published(
    scene: Scene,
    fake_model: FakeModel,
    in_background: InBackground,
    tenant: Tenant,
    watched: Watched,
) -> None:
    worker = scene.worker(lease_seconds=600)
    await listening(watched(worker))
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    assert await tenant.delete(task) is Ending.DELETED
    assert is_null_of(await ended(handling), task)
    await fake_model.wait_for_in_flight(0)
    assert (await fake_model.stats()).client_disconnected == 1
    assert worker.counted("results_forgotten_total") == 1
    assert await scene.read(task) is None


@pytest.mark.parametrize("end", ["cancel", "delete"])
async def test_without_the_wake_up_a_call_is_closed_when_its_lease_is_renewed(
    scene: Scene, fake_model: FakeModel, in_background: InBackground, tenant: Tenant, end: str
) -> None:
    worker = scene.worker(lease_seconds=1)
    in_background(worker.keeper.run())  # type: ignore[arg-type] # it ends with the test, and has no outcome
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await getattr(tenant, end)(task)
    assert (the_record(await ended(handling)).value is None) is (end == "delete")
    await fake_model.wait_for_in_flight(0)


async def test_a_wake_up_that_overtakes_the_answer_to_the_claim_is_not_lost(
    scene: Scene,
    fake_model: FakeModel,
    tenant: Tenant,
    watched: Watched,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = scene.worker(lease_seconds=600)
    await listening(watched(worker))
    claim = worker.leases.claim

    async def answered_late(task: Task, **named: object) -> ClaimReply:
        reply = await claim(task, **named)  # type: ignore[arg-type] # passed on as they are
        if isinstance(reply, Claimed):
            assert await tenant.cancel(task) is Ending.CANCELLED
            worker.keeper.heed([task.task_id])
            # The keeper asks for what it holds, and this is not yet among it.
            await until(lambda: not worker.keeper._doubted)
        return reply

    monkeypatch.setattr(worker.leases, "claim", answered_late)
    await fake_model.hold()
    outcome = await ended(worker.handle(a_task()))
    assert decode_result(the_record(outcome).value or b"")["status"] == "cancelled"
    await fake_model.wait_for_in_flight(0)


async def test_what_was_missed_while_the_subscription_was_lost_is_asked_for_when_it_is_back(
    scene: Scene, fake_model: FakeModel, in_background: InBackground, tenant: Tenant, watched: Watched
) -> None:
    worker = scene.worker(lease_seconds=600)
    registry = watched(worker)
    await listening(registry)
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await tenant.cancel_unheard(task)
    [own] = [client for client in await scene.redis.client_list() if client["name"] == "tests-listener"]
    await scene.redis.client_kill_filter(_id=own["id"])
    assert decode_result(the_record(await ended(handling)).value or b"")["status"] == "cancelled"
    await listening(registry)


async def test_a_wake_up_for_a_task_that_goes_on_changes_nothing(
    scene: Scene, fake_model: FakeModel, in_background: InBackground, tenant: Tenant, watched: Watched
) -> None:
    worker = scene.worker(lease_seconds=600)
    await listening(watched(worker))
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    before = await scene.redis.hget(scene.keys.task(task.task_id), "lease_until")

    async def asked_for() -> bool:
        return await scene.redis.hget(scene.keys.task(task.task_id), "lease_until") != before

    await tenant.tell(task.task_id, "somebody else's")
    await until(asked_for, what="the keeper to ask the store")
    await fake_model.release_all()
    assert decode_result(the_record(await ended(handling)).value or b"")["status"] == "completed"


async def test_a_task_deleted_before_its_record_is_reached_is_not_called_and_a_null_published(
    scene: Scene, worker: Role, fake_model: FakeModel, tenant: Tenant
) -> None:
    task = a_task("[[status=500]]")
    await worker.handle(task)
    await tenant.delete(task)
    assert is_null_of(await worker.handle(task), task)
    assert is_null_of(await scene.worker().handle(task), task), "and again where the record comes again"
    assert len(await fake_model.calls()) == 1
    assert worker.counted("claims_total", reply="deleted") == 1


async def test_a_cancelled_task_that_waited_for_its_retry_is_never_called_again(
    worker: Role, fake_model: FakeModel, tenant: Tenant
) -> None:
    task = a_task("[[status=500]]")
    assert isinstance(await worker.handle(task), RetryAfter)
    assert await tenant.cancel(task) is Ending.CANCELLED
    result = decode_result(the_record(await worker.handle(task)).value or b"")
    assert (result["status"], result["attempts"]) == ("cancelled", 1)
    assert len(await fake_model.calls()) == 1


@pytest.mark.parametrize("end", ["cancel", "delete"])
async def test_an_answer_that_comes_after_the_end_is_thrown_away(
    scene: Scene, fake_model: FakeModel, in_background: InBackground, tenant: Tenant, end: str
) -> None:
    worker = scene.worker()
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await getattr(tenant, end)(task)
    await fake_model.release_all()
    outcome = await ended(handling)
    if end == "delete":
        assert is_null_of(outcome, task)
        assert await scene.read(task) is None
    else:
        assert decode_result(the_record(outcome).value or b"")["status"] == "cancelled"
        assert (await scene.state(task)).result is None
    assert worker.counted("tasks_finished_total", status="completed") == 0


async def test_an_answer_recorded_before_the_cancellation_stands(scene: Scene, worker: Role, tenant: Tenant) -> None:
    task = a_task()
    await worker.handle(task)
    assert await tenant.cancel(task) is Ending.FINAL
    assert (await scene.state(task)).status is Status.COMPLETED


async def test_a_failing_attempt_of_a_deleted_task_is_not_repeated(
    worker: Role, fake_model: FakeModel, in_background: InBackground, tenant: Tenant
) -> None:
    task = a_task("[[hold;status=500]]")
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await tenant.delete(task)
    await fake_model.release_all()
    assert is_null_of(await ended(handling), task)


async def test_a_task_deleted_between_the_claim_and_the_reading_of_its_end_is_asked_for_again(
    worker: Role, tenant: Tenant
) -> None:
    task = a_task()
    await worker.handle(task)
    await tenant.delete(task)
    assert await worker.recorder.publish_again(task, a_delivery(task)) == RetryAfter(0)
    assert is_null_of(await worker.handle(task), task)


async def test_a_task_expired_by_a_read_while_in_flight_is_closed_and_published_as_expired(
    scene: Scene, worker: Role, fake_model: FakeModel, in_background: InBackground
) -> None:
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await scene.set(task, expires_at=1)
    assert (await scene.state(task)).status is Status.EXPIRED
    await worker.keeper.renew()
    result = decode_result(the_record(await ended(handling)).value or b"")
    assert (result["status"], result["error"]["code"]) == ("expired", "expired")
    await fake_model.wait_for_in_flight(0)


async def test_the_engine_is_told_too_for_what_waits_for_its_next_attempt(
    worker: Role, watched: Watched, tenant: Tenant, hurried: list[str]
) -> None:
    registry = watched(worker)
    await listening(registry)
    await tenant.tell("one", "two")
    await until(lambda: hurried == ["one", "two"])

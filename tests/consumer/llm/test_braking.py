"""The brake and the executor: what a worker notes of its records, and what it does not give up while it brakes."""

import asyncio

import orjson
import pytest

from common.record import encode_task
from common.result import decode_result
from common.task import Status, Task
from consumer.engine.ports import Held, Outcome, OutgoingRecord, RetryAfter, Settled
from tests.consumer.llm.harness import NAMES, Role, Scene, a_delivery, a_task
from tests.support.fake_model import FakeModel

TENANTS = ("acme", "umbrella")


@pytest.fixture
def worker(scene: Scene) -> Role:
    return scene.worker(brake_records=3)


def damaged(task: Task) -> bytes:
    return orjson.dumps({**orjson.loads(encode_task(task)), "body": "none"})


def letters(outcome: Outcome) -> list[OutgoingRecord]:
    return (
        [record for record in outcome.records if record.topic == NAMES.dead_letters]
        if isinstance(outcome, Settled)
        else []
    )


@pytest.mark.parametrize("status", [401, 403])
async def test_a_model_that_refuses_our_key_puts_the_brake_on_and_costs_no_attempt(
    scene: Scene, worker: Role, fake_model: FakeModel, status: int
) -> None:
    await fake_model.behave(status=status)
    tasks = [a_task(f"prompt {number}") for number in range(3)]
    for offset, task in enumerate(tasks):
        assert worker.braking.hindrance is None
        assert isinstance(await worker.handle(task, offset=offset), RetryAfter)
    assert worker.braking.hindrance == (
        "the brake is on: the model server refuses this service: "
        "see PROMPTMILL_LLM__API_KEY and PROMPTMILL_LLM__BASE_URL"
    )
    assert worker.counted("brake_on") == 1
    states = [await scene.state(task) for task in tasks]
    assert [(state.status, state.failures) for state in states] == [(Status.QUEUED, 0)] * 3


def naming(model: str, *, tenant: str) -> Task:
    """A task for a model of the tenant's own choice."""
    return a_task(tenant=tenant, body={"messages": [{"role": "user", "content": "hello"}], "model": model})


async def test_one_tenant_that_names_forbidden_models_keeps_nobody_from_being_served(
    scene: Scene, worker: Role, fake_model: FakeModel
) -> None:
    await fake_model.behave(status=403)
    tasks = [naming(f"dear-{number}", tenant="acme") for number in range(6)]
    for offset, task in enumerate(tasks):
        assert isinstance(await worker.handle(task, offset=offset), RetryAfter)
    assert worker.braking.hindrance is None
    # It does not stay so for ever.
    for failures in range(2, 5):
        await scene.set(tasks[0], retry_at=0)
        assert isinstance(await worker.handle(tasks[0], offset=0), RetryAfter)
        assert (await scene.state(tasks[0])).failures == failures
    await scene.set(tasks[0], retry_at=0)
    outcome = await worker.handle(tasks[0], offset=0)
    assert isinstance(outcome, Settled)
    result = decode_result(outcome.records[-1].value or b"")
    assert (result["status"], result["error"]["code"]) == ("failed", "forbidden")


async def test_a_model_that_our_key_may_not_use_fails_the_task_that_names_it_at_once(
    worker: Role, fake_model: FakeModel
) -> None:
    await fake_model.behave(status=403, error_code="model_not_found")
    for offset in range(6):
        outcome = await worker.handle(naming("dear", tenant=TENANTS[offset % 2]), offset=offset)
        assert isinstance(outcome, Settled)
        result = decode_result(outcome.records[-1].value or b"")
        assert (result["status"], result["error"]["code"]) == ("failed", "model_not_found")
    assert worker.braking.hindrance is None


async def test_what_is_forbidden_to_several_tenants_puts_the_brake_on_and_costs_no_attempt_under_it(
    scene: Scene, worker: Role, fake_model: FakeModel
) -> None:
    await fake_model.behave(status=403)
    tasks = [naming("any", tenant=TENANTS[number % 2]) for number in range(5)]
    for offset, task in enumerate(tasks):
        assert isinstance(await worker.handle(task, offset=offset), RetryAfter)
    assert worker.braking.hindrance == (
        "the brake is on: the model server forbids what several tenants ask for: "
        "see PROMPTMILL_LLM__API_KEY and PROMPTMILL_LLM__BASE_URL"
    )
    states = [await scene.state(task) for task in tasks]
    assert [(state.status, state.failures) for state in states] == [
        (Status.QUEUED, failures) for failures in (1, 1, 0, 0, 0)
    ]


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500, 503])
async def test_no_other_answer_of_the_model_does(worker: Role, fake_model: FakeModel, status: int) -> None:
    await fake_model.behave(status=status)
    for offset in range(6):
        await worker.handle(a_task(f"prompt {offset}"), offset=offset)
    assert worker.braking.hindrance is None


async def test_undecodable_records_of_several_tenants_are_held_once_they_are_nearly_all(worker: Role) -> None:
    outcomes = []
    for offset in range(5):
        task = a_task(tenant=TENANTS[offset % 2])
        outcomes.append(await worker.handle(task, offset=offset, value=damaged(task)))
    assert [len(letters(outcome)) for outcome in outcomes] == [1, 1, 0, 0, 0]
    assert {type(outcome) for outcome in outcomes[2:]} == {Held}
    assert worker.braking.hindrance == (
        "the brake is on: records of several tenants cannot be decoded: see what writes them"
    )


async def test_undecodable_records_of_one_tenant_are_dead_lettered_however_many_they_are(worker: Role) -> None:
    for offset in range(6):
        task = a_task(tenant="acme")
        assert letters(await worker.handle(task, offset=offset, value=damaged(task)))
    for offset in range(6, 12):
        # What names nobody in its value is whose its header says.
        assert letters(await worker.handle(a_task(tenant="acme"), offset=offset, value=b"garbage"))
    assert worker.braking.hindrance is None


async def test_our_own_errors_with_records_of_several_tenants_put_the_brake_on(
    worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.keeper, "keep", None)
    for offset in range(3):
        assert worker.braking.hindrance is None
        with pytest.raises(TypeError):
            await worker.handle(a_task(tenant=TENANTS[offset % 2]), offset=offset)
    assert (
        worker.braking.hindrance
        == "the brake is on: errors of this service keep records of several tenants from being handled: see its log"
    )


async def test_our_own_errors_with_records_of_one_tenant_keep_nobody_from_being_served(
    worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.keeper, "keep", None)
    for offset in range(6):
        with pytest.raises(TypeError):
            await worker.handle(a_task(tenant="acme"), offset=offset)
    assert worker.braking.hindrance is None


async def test_a_task_that_our_errors_use_up_fails_with_its_dead_letter_before_its_result(
    scene: Scene, worker: Role, fake_model: FakeModel
) -> None:
    task = a_task(tenant="acme")
    outcome = await worker.executor.give_up(a_delivery(task), "ValueError")
    assert isinstance(outcome, Settled)
    letter, result = outcome.records
    assert [letter.topic, result.topic] == [NAMES.dead_letters, NAMES.results]
    assert letter.value == encode_task(task)
    headers = dict(letter.headers)
    assert (headers["error-code"], headers["source-offset"]) == (b"handler_error", b"7")
    assert b"(ValueError)" in headers["reason"]
    record = decode_result(result.value or b"")
    assert (record["status"], record["error"]["code"]) == ("failed", "handler_error")
    assert (await scene.state(task)).status is Status.FAILED
    assert await fake_model.calls() == []

    again = await scene.worker().handle(task)
    assert isinstance(again, Settled)
    assert again.records == outcome.records


async def test_a_task_that_was_completed_meanwhile_is_not_dead_lettered(scene: Scene, worker: Role) -> None:
    task = a_task()
    await scene.worker().handle(task)
    outcome = await worker.executor.give_up(a_delivery(task), "ValueError")
    assert isinstance(outcome, Settled)
    assert [record.topic for record in outcome.records] == [NAMES.results]
    assert (await scene.state(task)).status is Status.COMPLETED


async def test_a_record_that_is_no_task_is_left_to_the_engine(worker: Role) -> None:
    assert await worker.executor.give_up(a_delivery(a_task(), value=b"garbage"), "ValueError") is None


async def test_nothing_is_given_up_while_the_brake_is_on(scene: Scene, worker: Role, fake_model: FakeModel) -> None:
    await fake_model.behave(status=401)
    for offset in range(3):
        await worker.handle(a_task(), offset=offset)
    task = a_task()
    assert isinstance(await worker.executor.give_up(a_delivery(task), "ValueError"), Held)
    assert await scene.read(task) is None


async def test_a_probe_that_the_model_takes_releases_the_brake(worker: Role, fake_model: FakeModel) -> None:
    await fake_model.behave(status=401)
    for offset in range(3):
        await worker.handle(a_task(), offset=offset)
    waiting = asyncio.create_task(worker.braking.opened())
    await fake_model.behave(status=400)
    probe = a_delivery(a_task(), offset=99)
    worker.braking.entered(probe)
    await worker.executor.handle(probe)
    worker.braking.left(probe)
    await asyncio.wait_for(waiting, 10)
    assert worker.braking.hindrance is None
    assert (worker.counted("brake_on"), worker.counted("brake_probes_total")) == (0, 1)

"""What becomes of a task whose model answers well, badly, late or never."""

import asyncio
import dataclasses
import time

import orjson
import pytest
from structlog.testing import capture_logs

from common.result import decode_result
from common.task import Status
from consumer.engine.ports import Held, RetryAfter, Settled
from tests.consumer.llm.harness import NAMES, InBackground, Role, Scene, a_delivery, a_task
from tests.support.fake_model import FakeModel
from tests.support.waiting import until


async def test_an_answered_task_is_completed_and_its_result_published(
    scene: Scene, worker: Role, fake_model: FakeModel
) -> None:
    task = a_task("hello", metadata={"order": 4711})
    outcome = await worker.handle(task)

    state = await scene.state(task)
    assert (state.status, state.progress, state.attempts, state.failures) == (Status.COMPLETED, 100, 1, 0)
    assert isinstance(outcome, Settled)
    [record] = outcome.records
    assert (record.topic, record.key, record.value) == (NAMES.results, task.task_id.encode(), state.result)
    assert dict(record.headers) == {
        "task-id": task.task_id.encode(),
        "tenant": b"local",
        "content-type": b"application/json",
        "task-record": b"3-7",
    }
    result = decode_result(record.value or b"")
    assert result["status"] == "completed"
    assert result["metadata"] == {"order": 4711}
    assert result["response"]["body"]["choices"][0]["message"]["content"] == "echo: hello"
    assert result["usage"] == result["response"]["body"]["usage"]
    assert (result["attempt"], result["token"], result["model"]) == (1, "worker1-0", "fake-model")
    [call] = await fake_model.calls()
    assert call.body == {**task.body, "model": "fake-model"}


async def test_while_the_model_is_called_the_task_is_processing(
    scene: Scene, worker: Role, fake_model: FakeModel, in_background: InBackground
) -> None:
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    state = await scene.state(task)
    assert (state.status, state.progress, state.attempts, state.worker) == (Status.PROCESSING, 25, 1, "worker1")
    await fake_model.release_all()
    assert isinstance(await handling, Settled)


FAULTS = {
    "500": "[[status=500]]",
    "503": "[[status=503]]",
    "408": "[[status=408]]",
    "409": "[[status=409]]",
    "no JSON": "[[garbage]]",
    "no answer": "[[wrong-shape]]",
    "cut in the body": "[[cut]]",
    "reset": "[[reset]]",
}


@pytest.mark.parametrize("prompt", FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault_gives_the_task_back_and_counts(scene: Scene, worker: Role, prompt: str) -> None:
    task = a_task(prompt)
    outcome = await worker.handle(task)
    state = await scene.state(task)
    assert (state.status, state.progress, state.attempts, state.failures) == (Status.QUEUED, 0, 1, 1)
    # Half of the base: the jitter of these tests.
    assert outcome == RetryAfter(0.5, attempts=1, failures=1)
    assert state.retry_at is not None


async def test_a_fault_that_passes_is_followed_by_the_answer(scene: Scene, worker: Role, fake_model: FakeModel) -> None:
    task = a_task("[[fail=1;status=500]]")
    assert isinstance(await worker.handle(task), RetryAfter)
    assert isinstance(await worker.handle(task), RetryAfter), "not before the retry is due"
    await scene.set(task, retry_at=0)
    assert isinstance(await worker.handle(task), Settled)
    state = await scene.state(task)
    assert (state.status, state.attempts, state.failures) == (Status.COMPLETED, 2, 1)
    assert len(await fake_model.calls()) == 2


async def test_a_call_that_hangs_is_ended_and_counts(scene: Scene, fake_model: FakeModel) -> None:
    task = a_task("[[hang]]")
    outcome = await scene.worker(call_timeout_seconds=0.2).handle(task)
    assert outcome == RetryAfter(0.5, attempts=1, failures=1)
    assert (await scene.state(task)).failures == 1
    await fake_model.wait_for_in_flight(0)
    assert (await fake_model.stats()).client_disconnected == 1


async def test_a_rate_limit_is_no_failure_and_its_retry_after_is_kept_to(scene: Scene, worker: Role) -> None:
    task = a_task("[[status=429;retry-after=30]]")
    outcome = await worker.handle(task)
    assert outcome == RetryAfter(31.5, attempts=1, failures=0)
    state = await scene.state(task)
    assert (state.status, state.attempts, state.failures) == (Status.QUEUED, 1, 0)


async def test_a_quota_that_is_used_up_is_asked_about_slowly(scene: Scene, worker: Role) -> None:
    task = a_task("[[error-code=insufficient_quota]]")
    assert await worker.handle(task) == RetryAfter(45, attempts=1, failures=0)
    assert (await scene.state(task)).failures == 0


@pytest.mark.parametrize("status", [401, 403, 302])
async def test_our_own_misconfiguration_is_not_the_tasks_fault(scene: Scene, worker: Role, status: int) -> None:
    task = a_task(f"[[status={status}]]")
    assert await worker.handle(task) == RetryAfter(45, attempts=1, failures=0)
    state = await scene.state(task)
    assert (state.status, state.failures) == (Status.QUEUED, 0)


async def test_a_model_that_cannot_be_reached_is_not_the_tasks_fault(scene: Scene) -> None:
    task = a_task()
    with capture_logs() as events:
        async with scene.unreachable_worker() as astray:
            assert await astray.handle(task) == RetryAfter(0.5, attempts=1, failures=0)
    # Whoever forgot to say which model it is finds the setting.
    [told] = [event for event in events if "cannot be reached" in event["event"]]
    assert told["log_level"] == "warning"
    assert "PROMPTMILL_LLM__BASE_URL" in told["event"]
    state = await scene.state(task)
    assert (state.status, state.failures) == (Status.QUEUED, 0)


@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_a_rejected_request_fails_its_task_and_is_dead_lettered(
    scene: Scene, worker: Role, fake_model: FakeModel, status: int
) -> None:
    private = "my mother's maiden name"
    task = a_task(f"{private} [[status={status};error-message={private};error-code=too_odd]]")
    delivery = a_delivery(task)
    outcome = await worker.executor.handle(delivery)

    assert isinstance(outcome, Settled)
    letter, record = outcome.records
    assert (letter.topic, letter.value) == (NAMES.dead_letters, delivery.value)
    headers = dict(letter.headers)
    assert headers["error-code"] == b"too_odd"
    assert (headers["source-partition"], headers["source-offset"]) == (b"3", b"7")
    assert private.encode() not in b"".join(content for _, content in letter.headers)
    assert record.topic == NAMES.results
    result = decode_result(record.value or b"")
    assert result["status"] == "failed"
    assert result["error"]["code"] == "too_odd"
    assert private not in orjson.dumps(result["error"]).decode()
    assert result["response"]["status_code"] == status
    assert result["response"]["body"]["error"]["message"] == private, "the owner may read the model's own words"
    assert (await scene.state(task)).status is Status.FAILED
    assert len(await fake_model.calls()) == 1


async def test_attempts_used_up_fail_the_task_with_the_last_error(scene: Scene) -> None:
    worker = scene.worker(max_attempts=2)
    task = a_task("[[status=500]]")
    assert isinstance(await worker.handle(task), RetryAfter)
    await scene.set(task, retry_at=0)
    outcome = await worker.handle(task)
    assert isinstance(outcome, Settled)
    assert [record.topic for record in outcome.records] == [NAMES.dead_letters, NAMES.results]
    result = decode_result(outcome.records[1].value or b"")
    assert result["error"]["code"] == "model_error"
    assert "All 2 attempts failed" in result["error"]["message"]
    state = await scene.state(task)
    assert (state.status, state.attempts, state.failures) == (Status.FAILED, 2, 2)


async def test_an_answer_over_the_limit_fails_its_task_without_a_dead_letter(scene: Scene) -> None:
    worker = scene.worker(max_answer_bytes=100_000)
    task = a_task("[[size=12000000]]")
    outcome = await worker.handle(task)
    assert isinstance(outcome, Settled)
    [record] = outcome.records
    assert decode_result(record.value or b"")["error"]["code"] == "result_too_large"
    assert (await scene.state(task)).status is Status.FAILED


async def test_a_whole_answer_that_cannot_be_read_is_paid_for_once(
    scene: Scene, worker: Role, fake_model: FakeModel
) -> None:
    task = a_task("[[unreadable]]")
    outcome = await worker.handle(task)
    assert isinstance(outcome, Settled)
    [record] = outcome.records
    result = decode_result(record.value or b"")
    assert result["error"]["code"] == "unreadable_answer"
    assert result["response"] == {"status_code": 200, "body": None}
    assert (await scene.state(task)).status is Status.FAILED
    assert len(await fake_model.calls()) == 1
    assert worker.counted("model_calls_total", outcome="unreadable") == 1


async def test_a_large_answer_within_the_limit_is_kept_whole(scene: Scene, worker: Role) -> None:
    task = a_task("[[size=6000000]]")
    outcome = await worker.handle(task)
    assert isinstance(outcome, Settled)
    result = decode_result(outcome.records[0].value or b"")
    assert len(result["response"]["body"]["choices"][0]["message"]["content"]) == 6_000_000
    assert (await scene.state(task)).result == outcome.records[0].value


async def test_the_wait_for_a_retry_never_passes_the_tasks_expiry(worker: Role) -> None:
    task = a_task("[[status=429;retry-after=3600]]", life=60)
    outcome = await worker.handle(task)
    assert isinstance(outcome, RetryAfter)
    assert 50 < outcome.delay_seconds <= 60


async def test_a_task_past_its_end_expires_instead_of_being_called(
    scene: Scene, worker: Role, fake_model: FakeModel
) -> None:
    task = a_task("[[status=500]]", metadata={"order": 1})
    await worker.handle(task)
    await scene.set(task, retry_at=0, expires_at=1)
    outcome = await worker.handle(task)
    assert isinstance(outcome, Settled)
    [record] = outcome.records
    result = decode_result(record.value or b"")
    assert (result["status"], result["error"]["code"], result["metadata"]) == ("expired", "expired", {"order": 1})
    assert (result["response"], result["attempts"]) == (None, 1)
    assert (await scene.state(task)).status is Status.EXPIRED
    assert len(await fake_model.calls()) == 1


async def test_a_call_is_ended_when_its_task_expires(scene: Scene, worker: Role, fake_model: FakeModel) -> None:
    task = a_task("[[hang]]", life=0.5)
    # Long before the call's own limit of a minute.
    async with asyncio.timeout(30):
        outcome = await worker.handle(task)
    assert isinstance(outcome, Settled)
    [record] = outcome.records
    assert decode_result(record.value or b"")["status"] == "expired"
    assert (await scene.state(task)).status is Status.EXPIRED
    assert (await fake_model.stats()).client_disconnected == 1


async def test_an_answer_that_comes_after_the_tasks_end_is_not_taken(
    scene: Scene, worker: Role, fake_model: FakeModel, in_background: InBackground
) -> None:
    await fake_model.hold()
    task = a_task()
    handling = in_background(worker.handle(task))
    await fake_model.wait_for_in_flight(1)
    await scene.set(task, expires_at=1)
    await fake_model.release_all()
    outcome = await handling
    assert isinstance(outcome, Settled)
    assert decode_result(outcome.records[0].value or b"")["status"] == "expired"
    assert (await scene.state(task)).status is Status.EXPIRED


async def test_an_endpoint_that_no_model_has_fails_its_task(worker: Role, fake_model: FakeModel) -> None:
    task = a_task(endpoint="/v1/files")
    outcome = await worker.handle(task)
    assert isinstance(outcome, Settled)
    assert decode_result(outcome.records[1].value or b"")["error"]["code"] == "unsupported_endpoint"
    assert await fake_model.calls() == []


async def test_other_endpoints_are_called_as_asked(worker: Role, fake_model: FakeModel) -> None:
    endpoint, body = "/v1/embeddings", {"input": ["hi"], "model": "other"}
    outcome = await worker.handle(a_task(endpoint=endpoint, body=body))
    assert isinstance(outcome, Settled)
    assert decode_result(outcome.records[0].value or b"")["status"] == "completed"
    [call] = await fake_model.calls()
    assert (call.path, call.body) == (endpoint, body)


async def test_a_record_of_a_later_version_is_held(worker: Role) -> None:
    outcome = await worker.handle(a_task(), value=b'{"version":2,"task_id":"x"}')
    assert outcome == Held("unknown_version", 30.0)


async def test_every_call_is_counted_by_how_it_ended(worker: Role) -> None:
    await worker.handle(a_task("a b c"))
    await worker.handle(a_task("[[status=400]]"))
    await worker.handle(a_task("[[status=500]]"))
    assert [
        worker.counted("model_calls_total", outcome=outcome) for outcome in ("answered", "rejected", "model_error")
    ] == [1, 1, 1]
    assert worker.counted("model_tokens_total", direction="input") == 3
    assert worker.counted("tasks_finished_total", status="completed") == 1
    assert worker.counted("task_retries_total", cause="model_error") == 1
    assert worker.counted("leases_held") == 0
    assert worker.counted("model_calls_in_flight") == 0
    await until(lambda: worker.counted("model_call_seconds_count") == 3)


async def test_a_copy_at_the_tail_is_told_from_the_store_how_long_to_wait_and_what_was_tried(
    scene: Scene, worker: Role
) -> None:
    task = a_task("[[status=429;retry-after=3600]]", life=7200)
    assert await worker.handle(task) == RetryAfter(3630, attempts=1, failures=0)
    # Another worker, which knows of nothing but the record.
    await scene.set(task, failures=3)
    outcome = await scene.worker().handle(task, offset=8)
    assert isinstance(outcome, RetryAfter)
    assert (outcome.attempts, outcome.failures) == (1, 3)
    assert outcome.delay_seconds == pytest.approx(3630, abs=30)


async def test_a_copy_of_a_task_that_the_store_lost_waits_and_counts_as_its_headers_say(
    scene: Scene, worker: Role, fake_model: FakeModel
) -> None:
    task = a_task("[[status=500]]", life=7200)
    due = f"{time.time() + 3600:.3f}".encode()
    copy = dataclasses.replace(a_delivery(task), headers=[("attempts", b"6"), ("failures", b"4"), ("not-before", due)])
    outcome = await worker.executor.handle(copy)
    assert isinstance(outcome, RetryAfter)
    assert (outcome.attempts, outcome.failures) == (6, 4)
    assert outcome.delay_seconds == pytest.approx(3600, abs=30)
    state = await scene.state(task)
    assert (state.status, state.attempts, state.failures) == (Status.QUEUED, 6, 4)
    assert state.retry_at == pytest.approx(time.time() + 3600, abs=30)
    assert await fake_model.calls() == []

    # One more makes five: it is not tried for ever, however often the store is lost.
    await scene.set(task, retry_at=0)
    assert isinstance(await worker.executor.handle(copy), Settled)
    state = await scene.state(task)
    assert (state.status, state.attempts, state.failures) == (Status.FAILED, 7, 5)


async def test_a_copy_never_waits_past_its_tasks_end(worker: Role) -> None:
    task = a_task(life=100)
    copy = dataclasses.replace(a_delivery(task), headers=[("not-before", b"99999999999")])
    outcome = await worker.executor.handle(copy)
    assert isinstance(outcome, RetryAfter)
    assert outcome.delay_seconds <= 100


async def test_a_copy_that_is_due_is_called_at_once(scene: Scene, worker: Role) -> None:
    task = a_task()
    copy = dataclasses.replace(a_delivery(task), headers=[("attempts", b"1"), ("not-before", b"1.5")])
    assert isinstance(await worker.executor.handle(copy), Settled)
    state = await scene.state(task)
    assert (state.status, state.attempts) == (Status.COMPLETED, 2)


async def test_a_storm_of_failures_uses_up_the_retry_budget_and_later_retries_wait_longer(scene: Scene) -> None:
    """The budget lets a burst of one through, and one more every ten seconds."""
    worker = scene.worker(retries_per_second=0.1)
    delays = []
    for status in (500, 500, 429, 500):
        task = a_task(f"[[status={status};retry-after=1]]")
        outcome = await worker.handle(task)
        assert isinstance(outcome, RetryAfter)
        delays.append(outcome.delay_seconds)
        state = await scene.state(task)
        assert state.retry_at is not None
        assert state.retry_at >= time.time() + outcome.delay_seconds - 5
    assert delays[0] == 1.5
    assert delays[1:] == [pytest.approx(seconds, abs=5) for seconds in (10, 20, 30)]
    assert worker.counted("retries_stretched_total") == 3
    assert -4 < worker.counted("retry_budget") < -2


async def test_no_retry_is_put_off_past_its_tasks_end(scene: Scene) -> None:
    worker = scene.worker(retries_per_second=0.1)
    await worker.handle(a_task("[[status=500]]"))
    outcome = await worker.handle(a_task("[[status=500]]", life=8))
    assert isinstance(outcome, RetryAfter)
    assert 0 < outcome.delay_seconds <= 8

"""Tasks that are cancelled, deleted or past their time while real services are at work on them."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from random import Random

import pytest
from aiokafka import ConsumerRecord

from common.result import decode_result
from tests.support.api import Answer, Api, Entry
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, Outcome
from tests.support.kafka_view import KafkaView
from tests.support.waiting import until

# Nothing but the wake-up ends a call within a test's time: the next renewal is minutes away.
RARELY_RENEWED = {"worker__lease_seconds": 600}
TASKS = 200


async def look_at(api: Api, task_id: str) -> Answer:
    return await api.ask("GET", f"/v1/tasks/{task_id}")


async def cancel(api: Api, task_id: str) -> Answer:
    return await api.ask("POST", f"/v1/tasks/{task_id}/cancel")


async def delete(api: Api, task_id: str) -> Answer:
    return await api.ask("DELETE", f"/v1/tasks/{task_id}")


async def published(kafka_view: KafkaView) -> dict[str, list[str | None]]:
    """The statuses in the results topic by task id, in the order of their offsets; None for a null."""
    found: dict[str, list[str | None]] = {}
    for record in sorted(await kafka_view.records(kafka_view.topics.results), key=_offset):
        status = None if record.value is None else decode_result(record.value)["status"]
        found.setdefault(record.key.decode(), []).append(status)
    return found


def _offset(record: ConsumerRecord) -> int:
    offset: int = record.offset
    return offset


async def test_a_cancelled_call_is_closed_at_once_from_any_api_and_its_slot_is_free(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api, other_api = await deployment.start_api(), await deployment.start_api()
    await deployment.start_worker(concurrency=1, **RARELY_RENEWED)
    await fake_model.hold()
    running, queued, next_ = await api.submit(["running", "queued", "next"])
    await fake_model.wait_for_in_flight(1)
    [(started,)] = [[call.prompt for call in await fake_model.calls()]]
    by_prompt = {"running": running, "queued": queued, "next": next_}
    first = by_prompt.pop(started)
    second, third = by_prompt.values()

    assert (await cancel(other_api, second)).body["status"] == "cancelled"
    assert (await cancel(other_api, first)).body["status"] == "cancelled"
    calls = await fake_model.wait_for_calls(2)
    assert [call.outcome for call in calls] == [Outcome.CLIENT_DISCONNECTED, Outcome.IN_FLIGHT]
    await fake_model.release_all()
    await api.wait_until_completed([third])
    await kafka_view.wait_until_committed()
    assert (await fake_model.stats()).calls == 2
    assert await published(kafka_view) == {first: ["cancelled"], second: ["cancelled"], third: ["completed"]}


async def test_a_deleted_call_is_closed_and_a_null_is_all_that_is_published(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=1, **RARELY_RENEWED)
    await fake_model.hold()
    [task_id] = await api.submit(["x"])
    await fake_model.wait_for_in_flight(1)
    assert (await delete(api, task_id)).status == 200
    await fake_model.wait_for_in_flight(0)
    await kafka_view.wait_until_committed()
    await until(lambda: _has_published(kafka_view, task_id), what="a null")
    assert set((await published(kafka_view))[task_id]) == {None}
    assert (await api.task(task_id))["status"] == "not_found"


async def test_the_result_of_a_task_deleted_after_its_commit_is_taken_back(
    deployment: Deployment, kafka_view: KafkaView
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=2)
    kept, gone = await api.submit(["kept", "gone"])
    await api.wait_until_completed([kept, gone])
    await kafka_view.wait_until_committed()
    assert (await delete(api, gone)).status == 200

    async def taken_back() -> bool:
        return (await published(kafka_view))[gone][-1] is None

    await until(taken_back, what="the null")
    assert (await published(kafka_view))[kept] == ["completed"]


async def test_what_waits_for_its_next_attempt_ends_at_once_and_not_when_that_is_due(
    deployment: Deployment, kafka_view: KafkaView
) -> None:
    api = await deployment.start_api()
    worker = await deployment.start_worker(concurrency=4, worker__tail_after_seconds=30)
    # An hour is spent at the tail of the topic, twenty seconds where the record is.
    long, short = "[[status=429;retry-after=3600]]", "[[status=429;retry-after=20]]"
    cancelled_copy, deleted_copy, cancelled = await api.submit([f"a {long}", f"b {long}", short])

    async def all_wait() -> bool:
        written = await kafka_view.records(kafka_view.topics.interactive)
        return len(written) == 5 and await deployment.metric(worker, "promptmill_engine_records_waiting") == 3

    await until(all_wait, what="two copies at the tail, and all to wait")
    began = time.monotonic()
    for task_id in (cancelled_copy, cancelled):
        assert (await cancel(api, task_id)).body["status"] == "cancelled"
    assert (await delete(api, deleted_copy)).status == 200
    await kafka_view.wait_until_committed()
    assert time.monotonic() - began < 15
    found = await published(kafka_view)
    assert (found[cancelled_copy], found[cancelled]) == (["cancelled"], ["cancelled"])
    assert set(found[deleted_copy]) == {None}


async def _has_published(kafka_view: KafkaView, task_id: str) -> bool:
    return task_id in await published(kafka_view)


async def test_a_call_in_flight_is_closed_when_its_task_expires(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=1, **RARELY_RENEWED)
    await fake_model.hold()
    [task_id] = await api.submit(["x"], deadline_seconds=3)
    await fake_model.wait_for_in_flight(1)
    [entry] = await api.wait_until_final([task_id])
    await fake_model.wait_for_in_flight(0)
    [call] = await fake_model.calls()
    assert call.outcome is Outcome.CLIENT_DISCONNECTED
    assert call.finished_at == pytest.approx(entry["expires_at"], abs=2)
    await kafka_view.wait_until_committed()
    assert await published(kafka_view) == {task_id: ["expired"]}
    entry = await api.task(task_id)
    assert (entry["status"], entry["error"]["code"]) == ("expired", "expired")


async def test_a_task_queued_behind_a_busy_worker_is_expired_by_being_read(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=1)
    await fake_model.hold()
    [busy] = await api.submit(["busy"])
    await fake_model.wait_for_in_flight(1)
    [late] = await api.submit(["late"], deadline_seconds=1)
    [entry] = await api.wait_until_final([late])
    assert (entry["status"], entry["error"]["code"], entry["attempts"]) == ("expired", "expired", 0)
    assert await api.states([busy]) == {("processing", 25): 1}

    await fake_model.release_all()
    await api.wait_until_completed([busy])
    await kafka_view.wait_until_committed()
    assert (await fake_model.stats()).calls == 1
    assert await published(kafka_view) == {busy: ["completed"], late: ["expired"]}


MOVES = {"look at": look_at, "cancel": cancel, "delete": delete}


def behaviour(random: Random, move: str) -> str:
    # A call that hangs is ended by nothing but its task's end.
    return "[[hang]]" if move != "look at" and random.random() < 0.3 else f"[[latency={random.uniform(0, 0.2):.3f}]]"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is done to a task, and what was answered."""

    prompt: str
    task_id: str
    move: str
    answer: Answer


async def test_of_cancel_delete_and_finish_one_wins_and_is_told_whatever_the_moment(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    random = Random(4711)
    apis = [await deployment.start_api(), await deployment.start_api()]
    await deployment.start_workers(
        2, concurrency=8, worker__lease_seconds=3, kafka__request_timeout_seconds=1, llm__call_timeout_seconds=120
    )
    await kafka_view.wait_for_workers(2)
    moves = [random.choice(["look at", "cancel", "cancel", "delete"]) for _ in range(TASKS)]
    prompts = [f"{move} {number} {behaviour(random, move)}" for number, move in enumerate(moves)]
    task_ids = await apis[0].submit(prompts)
    # One after the other, a few at a time: from before the first call to after the last.
    order = random.sample(range(TASKS), TASKS)
    few = asyncio.Semaphore(3)

    async def wish(index: int) -> Wish:
        async with few:
            end = MOVES[moves[index]]
            answer = await end(random.choice(apis), task_ids[index])
            return Wish(prompts[index], task_ids[index], moves[index], answer)

    wishes = await asyncio.gather(*map(wish, order))

    kept = [each for each in wishes if each.move != "delete"]
    entries = {entry["task_id"]: entry for entry in await apis[1].wait_until_final([each.task_id for each in kept])}
    await fake_model.wait_for_in_flight(0)
    await kafka_view.wait_until_committed()
    deleted = [each.task_id for each in wishes if each.move == "delete"]

    async def all_taken_back() -> bool:
        found = await published(kafka_view)
        return all(found.get(task_id, [""])[-1] is None for task_id in deleted)

    await until(all_taken_back, what="a null as the last word of every deleted task")
    calls = Counter(call.prompt for call in await fake_model.calls())
    found = await published(kafka_view)
    assert not [prompt for prompt, count in calls.items() if count > 1]
    for each in kept:
        check_kept(each, entries[each.task_id], found[each.task_id], calls[each.prompt])
    assert {entry["status"] for entry in await apis[0].tasks(deleted)} == {"not_found"}
    # The test is about races: both winners must have been seen.
    told = Counter(each.answer.body["status"] for each in kept if each.move == "cancel")
    assert min(told["cancelled"], told["completed"]) > 0, told


def check_kept(wish: Wish, entry: Entry, published: list[str | None], calls: int) -> None:
    """One outcome everywhere, the one that was told, and no call that was not begun by then."""
    assert set(published) == {entry["status"]}, wish
    assert wish.answer.status == 200, wish
    if wish.move == "look at":
        assert entry["status"] == "completed", wish
        return
    assert wish.answer.body["status"] == entry["status"], wish
    assert wish.answer.body["attempts"] == entry["attempts"] >= calls, wish

"""Hundreds of tasks cancelled at random moments, by ones and by many, checked against what the model saw."""

import asyncio
import time
from dataclasses import dataclass
from random import Random

from tests.support.api import Api
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, Outcome
from tests.support.kafka_view import KafkaView

TASKS, AT_ONCE = 500, 10
# A quiet machine keeps 0.2; a busy one is slow in everything.
CLOSED_WITHIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A task's status as the cancellation's answer told it, and when that was asked for and answered."""

    status: str
    asked_at: float
    answered_at: float


async def test_of_cancel_and_finish_one_wins_and_the_model_is_left_at_once(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    random = Random(815)
    apis = [await deployment.start_api(), await deployment.start_api()]
    # The next renewal of a lease is minutes away: only the wake-up ends a call.
    await deployment.start_workers(2, concurrency=40, worker__lease_seconds=600)
    await kafka_view.wait_for_workers(2)
    prompts = [f"{number} {behaviour(random)}" for number in range(TASKS)]
    task_ids = await apis[0].submit(prompts)
    prompt_of = dict(zip(task_ids, prompts, strict=True))
    left = random.sample(task_ids, TASKS)
    told: dict[str, Cancelled] = {}
    while left:
        size = random.choice([1, 1, AT_ONCE])
        some, left = left[:size], left[size:]
        told |= await cancelled(random.choice(apis), some)
        # Whatever else goes on gets a chance in between, for another while each time.
        await asyncio.gather(*(fake_model.stats() for _ in range(random.randrange(4))))
    await fake_model.wait_for_in_flight(0)

    entries = {entry["task_id"]: entry for entry in await apis[1].wait_until_final(task_ids)}
    calls = {call.prompt: call for call in await fake_model.calls()}
    assert len(await fake_model.calls()) == len(calls), "no task was called twice"
    closed = []
    for task_id, end in told.items():
        entry, call = entries[task_id], calls.get(prompt_of[task_id])
        assert entry["status"] == end.status, "what was told is what stays"
        if end.status == "completed":
            assert call is not None
            assert call.outcome is Outcome.ANSWERED
        elif call is not None:
            # One that was on its way to the model may come there just after the answer.
            assert call.started_at - end.answered_at <= CLOSED_WITHIN_SECONDS, "no call begins after the answer"
            assert entry["attempts"] == 1
            assert call.finished_at is not None
            if call.outcome is Outcome.CLIENT_DISCONNECTED:
                closed.append(call.finished_at - end.asked_at)
            else:
                # The model answered before it was left: no later than it would have been left.
                assert call.finished_at - end.asked_at <= CLOSED_WITHIN_SECONDS
    statuses = [end.status for end in told.values()]
    closed.sort()
    assert min(statuses.count("cancelled"), statuses.count("completed"), len(closed)) > TASKS // 20
    p50, p99 = (closed[len(closed) * share // 100] for share in (50, 99))
    assert p99 <= CLOSED_WITHIN_SECONDS, f"of {len(closed)} calls half were closed in {p50:.3f} s, 99 % in {p99:.3f} s"


def behaviour(random: Random) -> str:
    # A call that hangs is ended by nothing but its task's end.
    return "[[hang]]" if random.random() < 0.3 else f"[[latency={random.uniform(0, 0.3):.3f}]]"


async def cancelled(api: Api, task_ids: list[str]) -> dict[str, Cancelled]:
    asked_at = time.time()
    if len(task_ids) == 1:
        answer = await api.ask("POST", f"/v1/tasks/{task_ids[0]}/cancel")
        entries = [answer.body]
    else:
        answer = await api.ask("POST", "/v1/tasks/cancel", json={"task_ids": task_ids})
        entries = answer.body["tasks"]
    assert answer.status == 200, answer
    return {entry["task_id"]: Cancelled(entry["status"], asked_at, time.time()) for entry in entries}

"""The API killed in the middle of submissions."""

import asyncio
from dataclasses import dataclass

import aiohttp
import pytest

from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import PATIENCE_SECONDS, Scene, Terms
from tests.support.api import Answer
from tests.support.processes import LiveProcess
from tests.support.waiting import until

_ROUNDS = 5
# Kafka has acknowledged the records; the client has no answer yet.
_BEFORE_THE_ANSWER = ("after publisher.publish", "after submissions.accept_alike", "after idempotency.conclude")
# A publishing lease is this and 5 seconds.
_PUBLISH_TIMEOUT_SECONDS = 2


async def kill_the_api(scene: Scene) -> None:
    """What was answered must run; what was not may have run or not."""
    api = scene.deployment.apis[0]
    for _ in range(_ROUNDS):
        await scene.load.accepts_more(6)
        await api.kill()
        await api.start()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request whose records are in Kafka and whose API is halted."""

    key: str
    prompts: list[str]
    api: LiveProcess
    posting: asyncio.Task[Answer]


async def kill_apis_before_they_answer(scene: Scene) -> None:
    """The client repeats its request elsewhere: it is told the ids that the records have."""
    unanswered = [await _halted(scene, step) for step in _BEFORE_THE_ANSWER]
    written = await _ids_by_prompt(scene)
    for request in unanswered:
        await request.api.kill()
        [end] = await asyncio.gather(request.posting, return_exceptions=True)
        assert isinstance(end, aiohttp.ClientError), end
    answers = await asyncio.gather(*(_repeated(scene, request) for request in unanswered))
    for request, answer in zip(unanswered, answers, strict=True):
        task_ids = [entry["task_id"] for entry in answer.body["tasks"]]
        assert task_ids == [written[prompt] for prompt in request.prompts]
        scene.extra.update(zip(task_ids, request.prompts, strict=True))


async def _halted(scene: Scene, step: str) -> Unanswered:
    api = await scene.deployment.start_halting_api(step, api__publish_timeout_seconds=_PUBLISH_TIMEOUT_SECONDS)
    process = scene.deployment.apis.pop()
    key = f"unanswered {len(scene.extra)} {step}".replace(" ", "-")
    prompts = [f"{key} {number}" for number in range(3)]
    posting = asyncio.create_task(api.try_submit_as(key, prompts))
    await until(process.is_frozen, deadline=PATIENCE_SECONDS, what="the API to halt before its answer")
    return Unanswered(key, prompts, process, posting)


async def _ids_by_prompt(scene: Scene) -> dict[str, str]:
    tasks = await scene.view.tasks()
    return {task.body["messages"][-1]["content"]: task.task_id for task in tasks}


async def _repeated(scene: Scene, request: Unanswered) -> Answer:
    async def accepted() -> Answer | None:
        answer = await scene.api.try_submit_as(request.key, request.prompts)
        assert answer.status in {202, 409, 503}, answer
        return answer if answer.status == 202 else None

    answer = await until(accepted, deadline=PATIENCE_SECONDS, what=f"an answer to {request.key}")
    assert answer is not None
    return answer


FAULTS = {
    "no key": Fault(
        name=f"`kill -9` of the API during submissions, {_ROUNDS} times",
        strike=kill_the_api,
        terms=Terms(requests_per_second=20, prompts_per_request=1),
    ),
    "key": Fault(
        name=f"`kill -9` of the API during submissions, {_ROUNDS} times, the client repeating with its key",
        strike=kill_the_api,
        terms=Terms(requests_per_second=20, prompts_per_request=3, with_key=True),
    ),
    "before the answer": Fault(
        name="`kill -9` of an API between Kafka's acknowledgement and its answer, the client repeating with its key",
        strike=kill_apis_before_they_answer,
    ),
}


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in FAULTS.items()])
async def test_what_was_answered_is_run_once(strike: Strike, fault: Fault) -> None:
    await strike(fault)

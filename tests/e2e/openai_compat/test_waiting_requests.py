"""Requests that wait for the model: their clients leave, others cancel, processes end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from tests.e2e.openai_compat.conftest import Shared
from tests.support.api import Answer, Api
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, Outcome
from tests.support.kafka_view import KafkaView
from tests.support.waiting import until

CHAT = "/v1/chat/completions"


def chat(content: str, **more: Any) -> dict[str, Any]:
    return {"model": "fake-model", "messages": [{"role": "user", "content": content}], **more}


async def ask(api: Api, content: str, *, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return await api.ask("POST", CHAT, json=chat(content, **more), headers=headers or {})


@asynccontextmanager
async def streaming(api: Api, content: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with api._session.post(api.url + CHAT, json=chat(content, stream=True)) as response:
        yield response


async def in_flight(model: FakeModel, prompt: str) -> None:
    """Return when the model has a call of the prompt."""
    await until(lambda: calls_of(model, prompt), what=f"a call of {prompt}")


async def calls_of(model: FakeModel, prompt: str) -> list[Outcome]:
    return [call.outcome for call in await model.calls(prompt=prompt)]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_takes_its_task_with_it(shared: Shared, *, stream: bool) -> None:
    prompt = f"left alone {stream} [[hold]]"
    asking = asyncio.create_task(ask(shared.api, prompt, stream=stream))
    await in_flight(shared.model, prompt)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    async def closed() -> bool:
        return await calls_of(shared.model, prompt) == [Outcome.CLIENT_DISCONNECTED]

    await until(closed, what="the call of the model to be closed")


async def test_a_client_with_a_key_that_leaves_finds_its_answer_later(shared: Shared) -> None:
    prompt, headers = "left with a key [[hold]]", {"Idempotency-Key": "comes-again"}
    asking = asyncio.create_task(ask(shared.api, prompt, headers=headers))
    await in_flight(shared.model, prompt)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    again = asyncio.create_task(ask(shared.api, prompt, headers=headers))
    await shared.model.release_prompt(prompt)
    answer = await again
    assert answer.status == 200
    assert answer.body["choices"][0]["message"]["content"] == f"echo: {prompt}"
    assert await calls_of(shared.model, prompt) == [Outcome.ANSWERED]


async def test_who_prefers_it_gets_the_address_of_the_task_at_once(shared: Shared) -> None:
    prompt, headers = "not waited for [[hold]]", {"Prefer": "wait=5, Respond-Async"}
    answer = await ask(shared.api, prompt, headers=headers, stream=True)
    task_id = answer.headers["x-promptmill-task-id"]
    assert answer.status == 202
    assert (answer.headers["location"], answer.headers["preference-applied"]) == (
        f"/v1/tasks/{task_id}", "respond-async",
    )  # fmt: skip
    assert (answer.body["task_id"], answer.body["result"]) == (task_id, None)
    await in_flight(shared.model, prompt)
    await shared.model.release_prompt(prompt)
    [task] = await shared.api.wait_until_completed([task_id])
    assert task["result"] == f"echo: {prompt}"


@pytest.mark.parametrize(("method", "path", "code"), [("POST", "/cancel", "cancelled"), ("DELETE", "", "deleted")])
async def test_a_task_that_somebody_else_ends_is_a_conflict(shared: Shared, method: str, path: str, code: str) -> None:
    prompt = f"{code} by somebody else [[hold]]"
    asking = asyncio.create_task(ask(shared.api, prompt, headers={"Idempotency-Key": code}))
    await in_flight(shared.model, prompt)
    known = await ask(shared.api, prompt, headers={"Idempotency-Key": code, "Prefer": "respond-async"})
    task_id = known.headers["x-promptmill-task-id"]
    assert (await shared.api.ask(method, f"/v1/tasks/{task_id}{path}")).status == 200
    answer = await asking
    assert (answer.status, answer.body["error"]["code"]) == (409, code)
    assert (answer.headers["x-should-retry"], answer.headers["x-promptmill-task-id"]) == ("false", task_id)


async def test_a_stream_whose_attempt_is_lost_ends_with_an_error_and_its_task(shared: Shared) -> None:
    prompt = f"{'word ' * 40}[[chunk-latency=0.02;cut]]"
    async with streaming(shared.api, prompt) as response:
        assert response.status == 200
        events = [frame.removeprefix("data: ") for frame in (await response.text()).split("\n\n")]
    assert events.pop() == ""
    assert orjson.loads(events[-1])["error"]["code"] == "attempt_lost"
    assert len(events) > 2
    [task] = await shared.api.wait_until_final([response.headers["x-promptmill-task-id"]])
    assert (task["status"], task["attempts"]) == ("cancelled", 1)


async def test_a_task_that_does_not_end_in_time_is_a_timeout(deployment: Deployment, fake_model: FakeModel) -> None:
    api = await deployment.start_api(tasks__deadline_seconds=1)
    await fake_model.hold()
    for stream in (False, True):
        answer = await ask(api, f"too slow {stream}", stream=stream)
        assert (answer.status, answer.body["error"]["code"]) == (504, "expired")


async def test_what_waits_goes_on_when_the_process_is_to_end_and_new_requests_go_elsewhere(
    deployment: Deployment, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=2)
    await fake_model.hold()
    plain = asyncio.create_task(ask(api, "plain"))
    async with streaming_later(api, "streamed") as streamed:
        await fake_model.wait_for_in_flight(2)
        deployment.apis[0].terminate()
        await until(lambda: ends(deployment), what="the API to say that it ends")
        await fake_model.release_all()
        assert (await plain).status == 200
        assert (await streamed).strip().endswith("data: [DONE]")
    await deployment.apis[0].stop()


@asynccontextmanager
async def streaming_later(api: Api, content: str) -> AsyncIterator[asyncio.Task[str]]:
    async def whole() -> str:
        async with streaming(api, content) as response:
            return await response.text()

    reading = asyncio.create_task(whole())
    yield reading
    await reading


async def ends(deployment: Deployment) -> bool:
    return not await deployment.answers(deployment.apis[0], "/readyz")


async def test_what_waits_too_long_for_a_process_that_ends_is_cancelled_or_left_to_its_key(
    deployment: Deployment, fake_model: FakeModel
) -> None:
    api = await deployment.start_api(api__drain_timeout_seconds=0.5)
    other = await deployment.start_api()
    await deployment.start_worker(concurrency=4)
    await fake_model.hold()
    own = asyncio.create_task(ask(api, "own"))
    streamed = asyncio.create_task(ask(api, "streamed", stream=True))
    keyed = asyncio.create_task(ask(api, "keyed", headers={"Idempotency-Key": "k"}))
    await fake_model.wait_for_in_flight(3)
    deployment.apis[0].terminate()
    for answer in (await own, await streamed):
        assert (answer.status, answer.body["error"]["code"]) == (503, "stopping")
        assert answer.headers["x-should-retry"] == "false"
    left = await keyed
    assert (left.status, left.headers["retry-after"], "x-should-retry" in left.headers) == (503, "1", False)
    await fake_model.wait_for_in_flight(1)
    await fake_model.release_all()
    again = await ask(other, "keyed", headers={"Idempotency-Key": "k"})
    assert again.status == 200
    assert again.headers["x-promptmill-task-id"] == left.headers["x-promptmill-task-id"]
    assert await fake_model.calls_by_prompt() == {"own": 1, "streamed": 1, "keyed": 1}


async def test_no_task_is_made_for_whom_there_is_no_room_to_wait(
    deployment: Deployment, fake_model: FakeModel, kafka_view: KafkaView
) -> None:
    api = await deployment.start_api(api__max_followers=1)
    await deployment.start_worker(concurrency=4)
    await fake_model.hold()
    first = asyncio.create_task(ask(api, "first"))
    await fake_model.wait_for_in_flight(1)
    for stream in (False, True):
        second = await ask(api, "second", stream=stream)
        assert (second.status, second.body["error"]["code"]) == (503, "overloaded")
        assert "x-should-retry" not in second.headers
    await fake_model.release_all()
    assert (await first).status == 200
    assert len(await kafka_view.records(kafka_view.topics.interactive)) == 1

"""Responses as OpenAI's client uses them, against everything as it runs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import orjson
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from common.task import parse_task_id
from tests.e2e.openai_compat.conftest import Shared
from tests.support.api import Api
from tests.support.fake_model import Outcome
from tests.support.waiting import until


@pytest.fixture
async def client(shared: Shared) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(shared.api) as client:
        yield client


def client_of(api: Api) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{api.url}/v1", api_key="any", max_retries=0)


def strict(response: Response) -> Response:
    """The same; every field of it must be of the kind that its type says."""
    Response.model_validate(response.model_dump(by_alias=True))
    return response


async def ended(client: AsyncOpenAI, response_id: str) -> Response:
    seen: list[Response] = []

    async def is_final() -> bool:
        seen[:] = [strict(await client.responses.retrieve(response_id))]
        return seen[0].status not in {"queued", "in_progress"}

    await until(is_final, what="the end of the Response")
    return seen[0]


async def test_one_in_the_background_is_polled_to_its_text(client: AsyncOpenAI, shared: Shared) -> None:
    prompt = "background [[hold]]"
    made = await client.responses.create(
        model="fake-model", input=prompt, background=True, instructions="be brief", metadata={"customer": "42"},
        temperature=0.5, max_output_tokens=50,
    )  # fmt: skip
    strict(made)
    assert (made.status, made.background, made.output) == ("queued", True, [])
    await until(lambda: calls_of(shared, prompt), what="the call")
    under_way = strict(await client.responses.retrieve(made.id))
    assert (under_way.status, under_way.created_at) == ("in_progress", made.created_at)
    await shared.model.release_prompt(prompt)
    response = await ended(client, made.id)
    assert (response.status, response.output_text) == ("completed", f"echo: {prompt}")
    for name in ("instructions", "metadata", "temperature", "max_output_tokens", "background"):
        assert getattr(response, name) == getattr(under_way, name) == getattr(made, name)
    assert response.metadata == {"customer": "42"}
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    task = await shared.api.task(parse_task_id(made.id) or "")
    assert (task["status"], task["result"], task["metadata"]) == ("completed", f"echo: {prompt}", {"customer": "42"})
    [call] = await shared.model.calls(prompt=prompt)
    assert call.body["messages"][0] == {"role": "system", "content": "be brief"}
    assert call.body["max_completion_tokens"] == 50


async def calls_of(shared: Shared, prompt: str) -> list[Outcome]:
    return [call.outcome for call in await shared.model.calls(prompt=prompt)]


async def test_without_background_it_waits(client: AsyncOpenAI) -> None:
    response = strict(await client.responses.create(model="fake-model", input=[{"role": "user", "content": "waits"}]))
    assert (response.status, response.background, response.output_text) == ("completed", False, "echo: waits")
    assert (await client.responses.retrieve(response.id)).to_dict() == response.to_dict()


@pytest.mark.parametrize("background", [True, False])
async def test_it_is_streamed_and_put_together_by_the_client_itself(client: AsyncOpenAI, *, background: bool) -> None:
    prompt = f"streamed {background} [[chunk-latency=0.02]] " + " ".join(f"wörd{number}" for number in range(30))
    async with client.responses.stream(model="fake-model", input=prompt, background=background) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created", "response.queued", "response.in_progress", "response.output_item.added",
        "response.content_part.added", "response.output_text.delta", "response.output_text.done",
        "response.content_part.done", "response.output_item.done", "response.completed",
    ]  # fmt: skip
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0
    assert final.output_text == f"echo: {prompt}"
    stored = await client.responses.retrieve(final.id)
    assert stored.output_text == final.output_text
    assert {event.item_id for event in events if event.type == "response.output_text.delta"} == {stored.output[0].id}
    assert len([event for event in events if event.type == "response.output_text.delta"]) >= 4


async def test_it_is_cancelled_with_its_call_and_cancelled_twice(client: AsyncOpenAI, shared: Shared) -> None:
    prompt = "cancelled [[hold]]"
    made = await client.responses.create(model="fake-model", input=prompt, background=True)
    await until(lambda: calls_of(shared, prompt), what="the call")
    cancelled = strict(await client.responses.cancel(made.id))
    assert (cancelled.status, cancelled.output) == ("cancelled", [])
    again = await client.responses.cancel(made.id)
    assert again.to_dict() == cancelled.to_dict() == (await client.responses.retrieve(made.id)).to_dict()

    async def closed() -> bool:
        return await calls_of(shared, prompt) == [Outcome.CLIENT_DISCONNECTED]

    await until(closed, what="the call of the model to be closed")


async def test_what_cannot_be_cancelled_is_said_once_and_not_asked_again(shared: Shared) -> None:
    client = AsyncOpenAI(base_url=f"{shared.api.url}/v1", api_key="any", max_retries=2)
    in_background = await client.responses.create(model="fake-model", input="done", background=True)
    await ended(client, in_background.id)
    waited = await client.responses.create(model="fake-model", input="waited")
    for response_id, kind in ((in_background.id, "completed"), (waited.id, "synchronous")):
        with pytest.raises(openai.BadRequestError) as refused:
            await client.responses.cancel(response_id)
        assert refused.value.body is not None
        assert refused.value.body["message"] == f"Cannot cancel a {kind} response."  # type: ignore[index]
        assert refused.value.response.headers["x-should-retry"] == "false"
    await client.close()


async def test_one_that_is_waited_for_cannot_be_cancelled_by_others(client: AsyncOpenAI, shared: Shared) -> None:
    prompt = "waited for [[hold]]"
    waiting = asyncio.create_task(client.responses.create(model="fake-model", input=prompt, stream=True))
    stream = await waiting
    first = await anext(aiter(stream))
    assert first.type == "response.created"
    await until(lambda: calls_of(shared, prompt), what="the call")
    with pytest.raises(openai.BadRequestError, match="synchronous"):
        await client.responses.cancel(first.response.id)
    await stream.close()

    async def closed() -> bool:
        return await calls_of(shared, prompt) == [Outcome.CLIENT_DISCONNECTED]

    # Who leaves what he waits for leaves it to nobody.
    await until(closed, what="the call of the model to be closed")


async def test_it_is_deleted(client: AsyncOpenAI, shared: Shared) -> None:
    made = await client.responses.create(model="fake-model", input="deleted", background=True)
    await ended(client, made.id)
    answer = await shared.api.ask("DELETE", f"/v1/responses/{made.id}")
    assert (answer.status, answer.body) == (200, {"id": made.id, "object": "response", "deleted": True})
    for call in (client.responses.retrieve, client.responses.cancel, client.responses.delete):
        with pytest.raises(openai.NotFoundError) as unknown:
            await call(made.id)
        assert unknown.value.code == "response_not_found"
    with pytest.raises(openai.NotFoundError):
        await client.responses.input_items.list(made.id)


async def test_its_input_is_listed_page_by_page(client: AsyncOpenAI) -> None:
    sent: Any = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "3"},
        {"role": "user", "content": [{"type": "input_text", "text": "four"}]},
    ]
    made = await client.responses.create(model="fake-model", input=sent, background=True)
    pages = client.responses.input_items.list(made.id, limit=2, order="asc")
    items = [item async for item in pages]
    assert [item.type for item in items] == [
        "message", "message", "function_call", "function_call_output", "message",
    ]  # fmt: skip
    newest = [item.id async for item in client.responses.input_items.list(made.id)]
    assert newest == [item.id for item in reversed(items)]
    with pytest.raises(openai.BadRequestError):
        await client.responses.input_items.list(made.id, after="msg_other")


async def test_a_native_task_reads_as_one(client: AsyncOpenAI, shared: Shared) -> None:
    [task_id] = await shared.api.submit([{"messages": [{"role": "user", "content": "native"}], "metadata": {"a": "b"}}])
    response = await ended(client, task_id)
    assert (response.output_text, response.background, response.metadata) == ("echo: native", True, {"a": "b"})
    assert parse_task_id(response.id) == task_id
    assert (await client.responses.retrieve(response.id)).to_dict() == (
        await client.responses.retrieve(task_id)
    ).to_dict()
    [item] = [item async for item in client.responses.input_items.list(task_id)]
    assert item.type == "message"
    stream = await client.responses.retrieve(task_id, stream=True)
    text = [event.delta async for event in stream if event.type == "response.output_text.delta"]
    assert "".join(text) == "echo: native"


WEATHER: Any = {
    "type": "function", "name": "weather", "strict": False,
    "parameters": {"type": "object", "properties": {"prompt": {"type": "string"}}},
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
async def test_a_function_is_called_and_its_output_goes_back(
    client: AsyncOpenAI, shared: Shared, *, stream: bool
) -> None:
    prompt = f"stream {stream} [[function=weather]]"
    asked: Any = {"model": "fake-model", "tools": [WEATHER], "tool_choice": "required"}
    if stream:
        async with client.responses.stream(input=prompt, **asked) as events:
            response: Any = await events.get_final_response()
    else:
        response = await client.responses.create(input=prompt, **asked)
    strict(response)
    message, call = response.output
    assert (message.type, call.type, call.name) == ("message", "function_call", "weather")
    assert orjson.loads(call.arguments) == {"prompt": prompt}
    [sent] = await shared.model.calls(prompt=prompt)
    function = {name: WEATHER[name] for name in ("name", "strict", "parameters")}
    assert sent.body["tools"] == [{"type": "function", "function": function}]
    assert sent.body["tool_choice"] == "required"
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    again = f"thanks {stream}"
    await client.responses.create(
        model="fake-model",
        input=[
            {"role": "user", "content": prompt},
            *(item.to_dict() for item in response.output),
            output,
            {"role": "user", "content": again},
        ],
    )
    [sent] = await shared.model.calls(prompt=again)
    roles = [message["role"] for message in sent.body["messages"]]
    assert roles == ["user", "assistant", "tool", "user"]
    [boxed] = sent.body["messages"][1]["tool_calls"]
    assert boxed["id"] == sent.body["messages"][2]["tool_call_id"] == call.call_id


async def test_embeddings_are_no_response(client: AsyncOpenAI) -> None:
    raw = await client.embeddings.with_raw_response.create(model="fake-model", input="x")
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(raw.headers["x-promptmill-task-id"])


@pytest.mark.parametrize(
    ("directive", "kind", "status"),
    [
        ("[[status=400;error-code=bananas]]", openai.BadRequestError, 400),
        ("[[error-code=model_not_found]]", openai.NotFoundError, 404),
        ("[[status=422]]", openai.UnprocessableEntityError, 422),
        ("[[status=500]]", openai.InternalServerError, 502),
    ],
)
async def test_a_failure_that_is_waited_for_has_its_class(
    client: AsyncOpenAI, directive: str, kind: type[openai.APIStatusError], status: int
) -> None:
    with pytest.raises(kind) as failed:
        await client.responses.create(model="fake-model", input=f"{directive} waited for")
    assert (failed.value.status_code, failed.value.response.headers["x-should-retry"]) == (status, "false")


async def test_a_failure_in_the_background_is_told_by_the_response(client: AsyncOpenAI) -> None:
    made = await client.responses.create(model="fake-model", input="[[status=400]] background", background=True)
    response = await ended(client, made.id)
    assert (response.status, response.output) == ("failed", [])
    assert response.error is not None
    assert response.error.code == "invalid_prompt"
    events = [event async for event in await client.responses.retrieve(made.id, stream=True)]
    assert [event.type for event in events][-1] == "response.failed"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": "x", "previous_response_id": "resp_1"}, "previous_response_id"),
        ({"input": "x", "tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input[0].content[0]"),
        ({}, "input"),
        ({"input": "x", "background": "yes"}, "background"),
        ({"input": "x", "metadata": {"k": 1}}, "metadata"),
        ({"input": "x", "model": ""}, "model"),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_it_is_a_task(
    client: AsyncOpenAI, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(**{"model": "fake-model", **fields})
    assert refused.value.param == param
    assert "x-promptmill-task-id" not in refused.value.response.headers


async def test_a_key_stands_for_one_response(client: AsyncOpenAI, shared: Shared) -> None:
    headers = {"Idempotency-Key": "responses-key"}
    first = await client.responses.create(model="fake-model", input="keyed", background=True, extra_headers=headers)
    await ended(client, first.id)
    again = await client.responses.create(model="fake-model", input="keyed", background=True, extra_headers=headers)
    assert (again.id, again.status) == (first.id, "completed")
    with pytest.raises(openai.ConflictError):
        await client.responses.create(model="fake-model", input="other", background=True, extra_headers=headers)
    assert await calls_of(shared, "keyed") == [Outcome.ANSWERED]

"""Streams of Responses that go on: at other APIs, after kills, over attempts that are lost."""

import itertools
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseStreamEvent

from common.task import parse_task_id
from tests.support.api import Api
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, Outcome
from tests.support.redis_client import Redis
from tests.support.waiting import until

WORDS = " ".join(f"wörd{number}" for number in range(60))
PROMPT = f"{WORDS} [[chunk-latency=0.05]]"
WHOLE = f"echo: {PROMPT}"
SHORT_LEASE = {"worker__lease_seconds": 2, "worker__session_timeout_seconds": 6}


def client_of(api: Api) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{api.url}/v1", api_key="any", max_retries=0)


async def first_events(api: Api, count: int, **create: Any) -> list[ResponseStreamEvent]:
    """So many events of a new Response in the background; then the connection is cut."""
    async with client_of(api) as client:
        asked = {"model": "fake-model", "input": PROMPT, "background": True, **create}
        stream: Any = await client.responses.create(**asked, stream=True)
        return await some_of(stream, count)


async def next_events(
    api: Api, seen: Sequence[ResponseStreamEvent], count: int | None = None
) -> list[ResponseStreamEvent]:
    """So many events more, or all there are."""
    async with client_of(api) as client:
        stream = await client.responses.retrieve(id_of(seen), stream=True, starting_after=seen[-1].sequence_number)
        return await some_of(stream, count)


async def some_of(stream: Any, count: int | None) -> list[ResponseStreamEvent]:
    seen: list[ResponseStreamEvent] = []
    async for event in stream:
        # As strictly as its type says.
        type(event).model_validate(event.model_dump(by_alias=True))
        seen.append(event)
        if len(seen) == count:
            break
    await stream.close()
    return seen


def id_of(events: Sequence[ResponseStreamEvent]) -> str:
    first = events[0]
    assert first.type == "response.created"
    return first.response.id


def text_of(events: Sequence[ResponseStreamEvent], output_index: int = 0) -> str:
    return "".join(
        event.delta
        for event in events
        if event.type == "response.output_text.delta" and event.output_index == output_index
    )


def final_of(events: Sequence[ResponseStreamEvent]) -> Response:
    last = events[-1]
    assert last.type == "response.completed"
    return last.response


def check_order(events: Sequence[ResponseStreamEvent]) -> None:
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("native", [False, True])
async def test_a_stream_that_is_cut_again_and_again_is_whole_at_other_apis(
    deployment: Deployment, fake_model: FakeModel, *, native: bool
) -> None:
    own = {"responses__native_models": "fake-*"} if native else {}
    apis = [await deployment.start_api(**own), await deployment.start_api(**own)]
    await deployment.start_worker(concurrency=2, **own)
    seen = await first_events(apis[0], 6)
    for api in itertools.cycle(reversed(apis)):
        more = await next_events(api, seen, 7)
        seen += more
        if not more:
            break
    check_order(seen)
    assert text_of(seen) == WHOLE
    assert len([event for event in seen if event.type == "response.output_text.delta"]) >= 10
    kinds = [event.type for event in seen if event.type != "response.output_text.delta"]
    assert len(set(kinds)) == len(kinds) == 9
    final = final_of(seen)
    assert final.output_text == WHOLE
    async with client_of(apis[1]) as client:
        assert (await client.responses.retrieve(final.id)).to_dict() == final.to_dict()
    [call] = await fake_model.calls()
    assert call.path == ("/v1/responses" if native else "/v1/chat/completions")


async def test_a_client_of_a_killed_api_goes_on_at_another(deployment: Deployment) -> None:
    first, second = await deployment.start_api(), await deployment.start_api()
    await deployment.start_worker(concurrency=2)
    seen: list[ResponseStreamEvent] = []
    client = client_of(first)
    with suppress(openai.APIError, httpx2.TransportError):
        stream: Any = await client.responses.create(model="fake-model", input=PROMPT, background=True, stream=True)
        async for event in stream:
            seen.append(event)
            if len(text_of(seen)) > len(WHOLE) // 3 and deployment.apis[0].is_running():
                await deployment.apis[0].kill()
    await client.close()
    assert 0 < len(text_of(seen)) < len(WHOLE)
    seen += await next_events(second, seen)
    check_order(seen)
    assert text_of(seen) == final_of(seen).output_text == WHOLE


async def test_an_attempt_that_dies_with_its_worker_leaves_an_incomplete_item(
    deployment: Deployment, fake_model: FakeModel
) -> None:
    apis = [await deployment.start_api(), await deployment.start_api()]
    await deployment.start_worker(concurrency=2, **SHORT_LEASE)
    seen = await first_events(apis[0], 9)
    lost = text_of(seen)
    assert lost
    await deployment.workers[0].kill()
    await deployment.start_worker(concurrency=2, **SHORT_LEASE)
    seen += await next_events(apis[1], seen)
    check_order(seen)
    ends = [event for event in seen if event.type == "response.output_item.done"]
    assert [(event.output_index, getattr(event.item, "status", None)) for event in ends] == [
        (0, "incomplete"), (1, "completed"),
    ]  # fmt: skip
    assert WHOLE.startswith(text_of(seen))
    assert text_of(seen, output_index=1) == WHOLE
    final = final_of(seen)
    assert (len(final.output), final.output_text) == (1, WHOLE)
    assert final.output[0].id == ends[1].item.id
    assert [call.outcome for call in await fake_model.calls()][1:] == [Outcome.ANSWERED]


async def test_a_text_that_the_store_has_forgotten_comes_from_the_answer(deployment: Deployment, redis: Redis) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=2)
    seen = await first_events(api, 9)
    task_id = parse_task_id(id_of(seen)) or ""
    await api.wait_until_completed([task_id])
    await redis.delete(f"{deployment.redis.key_prefix}task:{{{task_id}}}:text")
    seen += await next_events(api, seen)
    check_order(seen)
    assert text_of(seen) == final_of(seen).output_text == WHOLE


async def test_what_was_asked_is_read_back_from_the_log(deployment: Deployment, fake_model: FakeModel) -> None:
    # Neither has it at hand: one keeps nothing, and the other did not create it.
    apis = [await deployment.start_api(api__max_request_cache_bytes=0), await deployment.start_api()]
    await deployment.start_worker(concurrency=2)
    await fake_model.hold()
    async with client_of(apis[0]) as client, client_of(apis[1]) as other:
        made = [
            await client.responses.create(
                model="fake-model", input=f"question {number}", instructions="i" * 1000, background=True,
                metadata={"number": str(number)},
                tools=[{"type": "function", "name": "f", "parameters": {}, "strict": False}],
            )
            for number in range(20)
        ]  # fmt: skip
        await fake_model.wait_for_in_flight(2)
        for one in (client, other):
            for number, response in enumerate(made):
                read = await one.responses.retrieve(response.id)
                assert {**read.to_dict(), "status": "queued"} == response.to_dict()
                [item] = (await one.responses.input_items.list(response.id)).data
                assert item.to_dict()["content"] == [{"type": "input_text", "text": f"question {number}"}]
        await fake_model.release_all()


async def test_a_response_survives_the_creating_api_and_is_cancelled_at_another(
    deployment: Deployment, fake_model: FakeModel
) -> None:
    first, second = await deployment.start_api(), await deployment.start_api()
    await deployment.start_worker(concurrency=2)
    await fake_model.hold()
    seen = await first_events(first, 3)
    await fake_model.wait_for_in_flight(1)
    await deployment.apis[0].kill()
    async with client_of(second) as client:
        cancelled = await client.responses.cancel(id_of(seen))
        assert cancelled.status == "cancelled"
        rest = await next_events(second, seen)
    assert [event.type for event in rest] == ["response.incomplete"]

    async def closed() -> bool:
        return [call.outcome for call in await fake_model.calls()] == [Outcome.CLIENT_DISCONNECTED]

    await until(closed, what="the call of the model to be closed")


async def test_an_api_that_is_to_end_lets_streams_go_on_elsewhere(deployment: Deployment) -> None:
    first, second = await deployment.start_api(), await deployment.start_api()
    await deployment.start_worker(concurrency=2)
    seen: list[ResponseStreamEvent] = []
    async with client_of(first) as client:
        stream: Any = await client.responses.create(model="fake-model", input=PROMPT, background=True, stream=True)
        async for event in stream:
            seen.append(event)
            if len(seen) == 9:
                deployment.apis[0].terminate()
    assert seen[-1].type == "response.output_text.delta"
    assert await deployment.apis[0].exit_status() == 0
    seen += await next_events(second, seen)
    check_order(seen)
    assert text_of(seen) == final_of(seen).output_text == WHOLE

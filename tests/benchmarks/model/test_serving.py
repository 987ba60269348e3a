import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import openai
import orjson
import pytest

from benchmarks.http_load import UnexpectedAnswer, load, request_bytes
from benchmarks.model.answers import STREAMED_PIECES
from benchmarks.model.handle import ModelHandle, running_model
from benchmarks.model.protocol import Plan
from benchmarks.prompts import MODEL, messages, prompt
from cli.stack.ports import Ports
from tests.support.waiting import until


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[ModelHandle]:
    with Ports(tmp_path / "ports", Random()) as ports:
        async with running_model(ports, tmp_path) as model:
            yield model


@pytest.fixture
async def client(model: ModelHandle) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=model.base_url, api_key="none", max_retries=0) as client:
        yield client


async def test_the_sdk_reads_an_answer(client: openai.AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(model=MODEL, messages=messages(prompt(1)))
    assert completion.choices[0].message.content
    assert completion.usage is not None


async def test_the_sdk_reads_an_answer_in_pieces(model: ModelHandle, client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model=MODEL, messages=messages(prompt(1)), stream=True)
    texts = [piece.choices[0].delta.content async for piece in stream if piece.choices]
    assert len([text for text in texts if text]) == STREAMED_PIECES
    assert (await model.reached(1)).answered == 1


async def test_a_call_that_is_given_up_is_no_answer(model: ModelHandle, client: openai.AsyncOpenAI) -> None:
    await model.plan(latency=30, keep_instants=True)
    with pytest.raises(openai.APITimeoutError):
        await client.with_options(timeout=0.2).chat.completions.create(model=MODEL, messages=messages(prompt(1)))
    counts = await model.counts()
    assert (counts.begun, counts.answered) == (1, 0)

    async def noted() -> dict[int, float]:
        return await model.left()

    assert set(await until(noted)) == {1}


async def test_a_stamped_stream_says_when_each_piece_was_written(
    model: ModelHandle, client: openai.AsyncOpenAI
) -> None:
    await model.plan(latency=0.1, stamped=True)
    began_at = time.monotonic()
    stream = await client.chat.completions.create(model=MODEL, messages=messages(prompt(1)), stream=True)
    texts = [piece.choices[0].delta.content or "" async for piece in stream if piece.choices]
    stamps = [float(text.strip("<>")) for text in texts if text]
    assert len(stamps) == STREAMED_PIECES
    instants = [began_at, *stamps, time.monotonic()]
    assert instants == sorted(instants)


async def test_instants_are_kept_by_the_number_of_the_prompt(model: ModelHandle) -> None:
    await model.plan(latency=0.05, keep_instants=True)
    bodies = [orjson.dumps({"model": MODEL, "messages": messages(prompt(number))}) for number in (3, 5, 8)]
    requests = [request_bytes("POST", "/v1/chat/completions", body) for body in bodies]
    result = await load(model.port, iter(requests), connections=2, expect=200)
    assert result.statuses == {200: 3}
    instants = await model.instants()
    assert set(instants) == {3, 5, 8}
    assert all(answered - begun >= 0.04 for begun, answered in instants.values())


async def test_an_answer_of_another_status_ends_the_load(model: ModelHandle) -> None:
    requests = itertools.repeat(request_bytes("GET", "/control/no-such-thing"), 3)
    with pytest.raises(UnexpectedAnswer, match="400: 3"):
        await load(model.port, requests, connections=2, expect=200)


def test_latency_varies_evenly_by_its_share() -> None:
    plan, random = Plan(latency=1.0, jitter=0.2), Random(1)
    delays = [plan.delay(random) for _ in range(2000)]
    assert min(delays) >= 0.8
    assert max(delays) <= 1.2
    assert sum(delays) / len(delays) == pytest.approx(1.0, abs=0.01)

"""The model's client, against a real server."""

import asyncio
import gzip
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from consumer.llm.model_client import ModelClient
from consumer.llm.outcomes import Answered, CallOutcome, Cause, Faulted, Rejected, TooLarge, Unreadable
from tests.consumer.llm.harness import model_server
from tests.support.fake_model import FakeModel

CHAT = "/v1/chat/completions"


def chat(prompt: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}], **fields}


@pytest.fixture
async def model(fake_model: FakeModel) -> AsyncIterator[ModelClient]:
    async with model_server(fake_model.base_url) as server:
        yield ModelClient(server, default_model="the-default", max_answer_bytes=1_000_000)


@asynccontextmanager
async def answering(raw: bytes) -> AsyncIterator[ModelClient]:
    """A client of a server that answers every request with these bytes and closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        async with model_server(f"http://127.0.0.1:{port}/v1") as server:
            yield ModelClient(server, default_model="m", max_answer_bytes=1_000_000)


@pytest.mark.parametrize("named", [{}, {"model": None}, {"model": ""}])
async def test_the_body_goes_out_as_it_is_with_the_default_model(
    model: ModelClient, fake_model: FakeModel, named: dict[str, Any]
) -> None:
    body = chat("hi", temperature=0.1, future_field={"x": [1, None]}, **named)
    before = orjson.dumps(body)
    await model.call(CHAT, body, deadline_seconds=30)
    [call] = await fake_model.calls()
    assert call.body == {**body, "model": "the-default"}
    assert orjson.dumps(body) == before, "the task's own body is left alone"


async def test_a_named_model_is_kept_and_what_is_ours_stays_here(model: ModelClient, fake_model: FakeModel) -> None:
    body = chat("hi", model="theirs", metadata={"order": 1}, stream=True, stream_options={"include_usage": True})
    answer = await model.call(CHAT, body, deadline_seconds=30)
    assert isinstance(answer, Answered)
    [call] = await fake_model.calls()
    assert call.body == chat("hi", model="theirs")
    assert call.headers["authorization"] == "Bearer test-key"
    assert "idempotency-key" not in call.headers


async def test_without_a_key_no_key_is_sent(fake_model: FakeModel) -> None:
    async with model_server(fake_model.base_url, api_key=None) as server:
        keyless = ModelClient(server, default_model="m", max_answer_bytes=1000)
        assert isinstance(await keyless.call(CHAT, chat("hi"), deadline_seconds=30), Answered)
    [call] = await fake_model.calls()
    assert "authorization" not in call.headers


async def test_the_answers_bytes_are_kept_as_they_came() -> None:
    body = b'{ "choices" : [ ],\n "id":\t"\\u00e9" }  '
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with answering(head + body) as model:
        answer = await model.call(CHAT, chat("hi"), deadline_seconds=30)
    assert isinstance(answer, Answered)
    assert answer.body == body


async def test_a_failed_call_is_not_repeated(model: ModelClient, fake_model: FakeModel) -> None:
    await model.call(CHAT, chat("[[status=500]]"), deadline_seconds=30)
    await model.call(CHAT, chat("[[reset]]"), deadline_seconds=30)
    assert len(await fake_model.calls()) == 2


@pytest.mark.parametrize(
    ("named", "cause"),
    [({}, Cause.MISCONFIGURED), ({"model": "the-default"}, Cause.MISCONFIGURED), ({"model": "dear"}, Cause.FORBIDDEN)],
)
async def test_what_is_forbidden_is_our_own_fault_for_our_own_model_only(
    model: ModelClient, named: dict[str, str], cause: Cause
) -> None:
    outcome = await model.call(CHAT, {**chat("[[status=403]]"), **named}, deadline_seconds=30)
    assert isinstance(outcome, Faulted)
    assert outcome.cause is cause


async def test_the_deadline_is_for_the_whole_call(model: ModelClient, fake_model: FakeModel) -> None:
    outcome = await model.call(CHAT, chat("[[hang]]"), deadline_seconds=0.1)
    assert isinstance(outcome, Faulted)
    assert outcome.cause is Cause.TIMEOUT
    await fake_model.wait_for_in_flight(0)
    assert (await fake_model.stats()).client_disconnected == 1


async def test_a_cancelled_call_closes_its_connection(model: ModelClient, fake_model: FakeModel) -> None:
    await fake_model.hold()
    calling = asyncio.create_task(model.call(CHAT, chat("hi"), deadline_seconds=30))
    await fake_model.wait_for_in_flight(1)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    await fake_model.wait_for_in_flight(0)
    assert (await fake_model.stats()).client_disconnected == 1


async def test_an_answer_over_the_limit_is_not_read_to_its_end(model: ModelClient) -> None:
    assert isinstance(await model.call(CHAT, chat("[[size=12000000]]"), deadline_seconds=30), TooLarge)


async def test_an_endless_error_is_not_read_to_its_end() -> None:
    # The promised length never comes: whoever waits for it waits for ever.
    head = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 900000000\r\n\r\n"
    began = time.monotonic()
    async with answering(head + b"x" * 200_000) as model:
        outcome = await model.call(CHAT, chat("hi"), deadline_seconds=30)
    assert isinstance(outcome, Rejected)
    assert outcome.body is None
    assert time.monotonic() - began < 20


async def test_a_packed_answer_is_read_all_the_same() -> None:
    body = gzip.compress(b'{"choices": []}')
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with answering(head + body) as model:
        outcome = await model.call(CHAT, chat("hi"), deadline_seconds=30)
    assert isinstance(outcome, Answered)
    assert outcome.body == b'{"choices": []}'


BROKEN = {
    "no HTTP": b"hello\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "half a body": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
    "half an error": b"HTTP/1.1 500 No\r\ncontent-length: 100\r\n\r\n{",
    "half a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{",
    "bad packing": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_whatever_breaks_on_the_way_is_a_fault_and_no_exception(name: str) -> None:
    async with answering(BROKEN[name]) as model:
        outcome = await model.call(CHAT, chat("hi"), deadline_seconds=30)
    assert isinstance(outcome, Faulted)
    assert outcome.cause is Cause.BROKEN_OFF


async def test_a_redirect_is_not_followed(fake_model: FakeModel) -> None:
    head = f"HTTP/1.1 307 Moved\r\nlocation: {fake_model.base_url}/chat/completions\r\ncontent-length: 0\r\n\r\n"
    async with answering(head.encode()) as model:
        outcome = await model.call(CHAT, chat("hi"), deadline_seconds=30)
    assert isinstance(outcome, Faulted)
    assert outcome.cause is Cause.MISCONFIGURED
    assert await fake_model.calls() == []


async def test_calls_go_by_the_proxy_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"choices": []}')
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://who:secret@127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "localhost")
        async with model_server("http://model.test:8000/v1/?api-version=7") as server:
            model = ModelClient(server, default_model="m", max_answer_bytes=1000)
            outcome = await model.call(CHAT, chat("hi"), deadline_seconds=30)
    assert isinstance(outcome, Answered)
    head = (await asked).decode().lower()
    assert head.startswith("post http://model.test:8000/v1/chat/completions?api-version=7 http/1.1")
    assert "proxy-authorization: basic" in head


async def test_no_proxy_is_used_where_the_environment_says_so(
    fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with model_server(fake_model.base_url) as server:
        model = ModelClient(server, default_model="m", max_answer_bytes=1000)
        assert isinstance(await model.call(CHAT, chat("hi"), deadline_seconds=30), Answered)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "https://127.0.0.1:1/v1"])
async def test_an_address_nobody_answers_at_is_unreachable(url: str) -> None:
    async with model_server(url) as server:
        model = ModelClient(server, default_model="m", max_answer_bytes=1000)
        outcome = await model.call(CHAT, chat("hi"), deadline_seconds=30)
    assert isinstance(outcome, Faulted)
    assert outcome.cause is Cause.UNREACHABLE


async def test_as_many_calls_as_there_are_slots_are_in_flight_at_once(
    model: ModelClient, fake_model: FakeModel
) -> None:
    await fake_model.hold()
    calls = [asyncio.create_task(model.call(CHAT, chat(str(n)), deadline_seconds=30)) for n in range(10)]
    await fake_model.wait_for_in_flight(10)
    await fake_model.release_all()
    assert all(isinstance(answer, Answered) for answer in await asyncio.gather(*calls))


async def test_a_streamed_response_is_told_as_it_comes(model: ModelClient, fake_model: FakeModel) -> None:
    told: list[tuple[str, int]] = []
    answer = await model.call(
        "/v1/responses",
        {"model": "m", "input": "one two", "stream_options": {"include_obfuscation": False}},
        deadline_seconds=30,
        on_text=lambda text, tokens: told.append((text, tokens)),
    )
    assert told == [("echo:", 1), (" one", 2), (" two", 3)]
    assert isinstance(answer, Answered)
    assert orjson.loads(answer.body)["output"][0]["content"][0]["text"] == "echo: one two"
    [call] = await fake_model.calls()
    assert call.body == {"model": "m", "input": "one two", "stream": True}


async def test_a_streamed_response_that_is_cut_off_is_none(model: ModelClient) -> None:
    body = {"model": "m", "input": "one two [[cut]]"}
    answer = await model.call("/v1/responses", body, deadline_seconds=30, on_text=lambda _text, _tokens: None)
    assert isinstance(answer, Faulted)
    assert answer.cause is Cause.BROKEN_OFF


def streaming(*events: bytes, content_type: str = "text/event-stream") -> bytes:
    """An answer that is a stream of these."""
    body = b"".join(b"data: %b\n\n" % event for event in events)
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n\r\n" % content_type.encode() + body


def delta(**fields: Any) -> bytes:
    return orjson.dumps({"id": "c", "choices": [{"index": 0, "delta": fields}]})


DEEP = b"[" * 400 + b"]" * 400
NESTED = b'{"a":' * 1000 + b"1" + b"}" * 1000
LAST = b'{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


async def streamed(raw: bytes, endpoint: str = CHAT) -> CallOutcome:
    async with answering(raw) as model:
        return await model.call(endpoint, chat("hi"), deadline_seconds=30, on_text=lambda _text, _tokens: None)


@pytest.mark.parametrize(
    ("endpoint", "events"),
    [
        (CHAT, [delta(tool_calls=["x"]), LAST]),
        (CHAT, [delta(tool_calls=5), LAST]),
        (CHAT, [b'{"id":"c","choices":[{"index":0,"delta":{"x":%b}}]}' % DEEP, LAST]),
        (CHAT, [b'{"id":"c","choices":[{"index":0,"delta":{"x":%b}}]}' % NESTED] * 2 + [LAST]),
        (CHAT, [delta(content="x"), LAST, b'{"id":"c","choices":[],"usage":{"x":%b}}' % DEEP]),
        ("/v1/responses", [b'{"type":"response.completed","response":{"output":[],"x":%b}}' % DEEP]),
    ],
    ids=["calls", "no calls", "deep", "nested", "deep usage", "deep response"],
)
async def test_a_stream_that_cannot_be_put_together_is_not_paid_for_again(endpoint: str, events: list[bytes]) -> None:
    assert isinstance(await streamed(streaming(*events, b"[DONE]"), endpoint), Unreadable)


async def test_an_error_in_a_stream_that_cannot_be_written_is_one_all_the_same() -> None:
    outcome = await streamed(streaming(b'{"error":{"code":429,"x":%b}}' % DEEP))
    assert isinstance(outcome, Faulted)
    assert outcome.cause is Cause.RATE_LIMITED


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/octet-stream"])
@pytest.mark.parametrize("before", [b"", b": note\n\n", b"event: x\n", b"\r\n\n"])
async def test_a_stream_under_another_type_is_read_as_one(content_type: str, before: bytes) -> None:
    raw = streaming(delta(content="hi"), LAST, b"[DONE]", content_type=content_type)
    outcome = await streamed(raw.replace(b"\r\n\r\n", b"\r\n\r\n" + before, 1))
    assert isinstance(outcome, Answered)
    assert orjson.loads(outcome.body)["choices"][0]["message"]["content"] == "hi"


async def test_an_answer_in_one_piece_to_who_asked_for_a_stream_is_kept_as_it_came() -> None:
    for body in (b'{"choices":[]}', b' \n{"choices": []}'):
        outcome = await streamed(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + body)
        assert isinstance(outcome, Answered)
        assert outcome.body == body


@pytest.mark.parametrize("line", [b"data: %b\n" % (b"x" * 10_000), b"data: {}\n" * 1_000])
async def test_an_event_without_end_is_not_read_for_ever(line: bytes) -> None:
    # The promised length never comes: whoever waits for it waits for ever.
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 900000000\r\n\r\n"
    assert isinstance(await streamed(head + line * 200), TooLarge)


async def test_others_have_their_turn_while_a_stream_is_read() -> None:
    loop, turn, is_over, told = asyncio.get_running_loop(), 0, False, Counter[int]()

    def count() -> None:
        nonlocal turn
        turn += 1
        if not is_over:
            loop.call_soon(count)

    def note(_text: str, _tokens: int) -> None:
        told[turn] += 1

    loop.call_soon(count)
    try:
        async with answering(streaming(*[delta(content="x")] * 5_000, LAST)) as model:
            outcome = await model.call(CHAT, chat("hi"), deadline_seconds=30, on_text=note)
    finally:
        is_over = True
    assert isinstance(outcome, Answered)
    assert told.total() == 5_000
    assert max(told.values()) <= 100

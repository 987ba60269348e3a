"""A chat completion in chunks is the same put together again."""

from typing import Any

import orjson
import pytest

from consumer.llm.chat_stream import ChatStream
from producer_api.openai_compat.chat_chunks import ChatChunks

TASK_ID = "0199fd4e-0000-7000-8000-0000000000aa"
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Lima"}'}}


def said(content: str | None, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def completion(*messages: dict[str, Any], finish_reason: str = "stop", **choice: Any) -> dict[str, Any]:
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": finish_reason, **choice}
        for index, message in enumerate(messages)
    ]
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": "m", "choices": choices, "usage": {"total": 3}}


def chunks(content: bytes) -> list[Any]:
    frames = content.split(b"\n\n")
    assert frames.pop() == b""
    assert all(frame.startswith(b"data: ") for frame in frames)
    assert frames.pop() == b"data: [DONE]"
    return [orjson.loads(frame.removeprefix(b"data: ")) for frame in frames]


def put_together(content: bytes) -> Any:
    """By the reader of streams that our own workers have."""
    stream = ChatStream()
    for frame in content.split(b"\n\n")[:-1]:
        stream.take(frame.removeprefix(b"data: "))
    assert stream.is_whole
    return orjson.loads(stream.completion())["choices"]


@pytest.mark.parametrize(
    ("request_body", "whole", "told"),
    [
        ({}, completion(said("wörd word")), ["wörd", " word"]),
        ({}, completion(said("", refusal="No.")), []),
        ({}, completion(said(None, tool_calls=[CALL, CALL]), finish_reason="tool_calls"), []),
        ({}, completion(said("So:", tool_calls=[CALL]), finish_reason="tool_calls"), ["So:"]),
        ({"n": 2}, completion(said("a"), said("b")), []),
        ({"logprobs": True}, completion(said("a"), logprobs={"content": [{"token": "a"}]}), []),
    ],
)
def test_the_chunks_of_an_answer_are_the_answer(
    request_body: dict[str, Any], whole: dict[str, Any], told: list[str]
) -> None:
    made = ChatChunks(TASK_ID, request_body, created_at=5.5)
    content = b"".join(made.text(text) for text in told) + made.rest(whole)
    assert put_together(content) == whole["choices"]
    assert {(chunk["id"], chunk["object"], chunk["created"]) for chunk in chunks(content)} == {
        ("chatcmpl-0199fd4e0000700080000000000000aa", "chat.completion.chunk", 5)
    }
    assert all("usage" not in chunk for chunk in chunks(content))


@pytest.mark.parametrize("request_body", [{"n": 2}, {"n": [1]}, {"logprobs": True}])
def test_what_cannot_be_told_as_it_comes_is_told_at_the_end(request_body: dict[str, Any]) -> None:
    assert not ChatChunks(TASK_ID, request_body, created_at=0).tells_text


@pytest.mark.parametrize("request_body", [{}, {"n": None, "logprobs": None}, {"n": 1, "logprobs": False}])
def test_one_choice_is_told_as_it_comes(request_body: dict[str, Any]) -> None:
    assert ChatChunks(TASK_ID, request_body, created_at=0).tells_text


def test_the_usage_has_a_chunk_of_its_own_where_it_is_asked_for() -> None:
    made = ChatChunks(TASK_ID, {"model": "m", "stream_options": {"include_usage": True}}, created_at=0)
    content = made.text("a") + made.rest(completion({"role": "assistant", "content": "a"}))
    *others, last = chunks(content)
    assert (last["choices"], last["usage"], last["model"]) == ([], {"total": 3}, "m")
    assert [chunk["usage"] for chunk in others] == [None] * len(others)
    assert len(others) == 3


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        "text",
        {"choices": {"index": 0}},
        {"choices": [None]},
        {"choices": ["text"]},
        {"choices": [{"index": 0, "message": "text"}]},
        {"choices": [{"index": 0, "message": {"content": "a", "tool_calls": {"id": "1"}}}]},
        {"choices": [{"index": 0, "message": {"content": "a", "tool_calls": [None]}}]},
    ],
)
def test_an_answer_that_is_no_chat_completion_is_told_apart(odd: Any) -> None:
    made = ChatChunks(TASK_ID, {}, created_at=0)
    with pytest.raises(ValueError, match="no chat completion"):
        made.rest(odd)

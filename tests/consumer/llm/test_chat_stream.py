import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from consumer.llm.chat_stream import BadChunk, ChatStream, ModelGaveUp
from tests.support.fake_model import answers


def chunk(*choices: object, **fields: object) -> bytes:
    return orjson.dumps({"id": "c", "object": "chat.completion.chunk", "choices": choices, **fields})


def choice(delta: object, finish_reason: str | None = None, index: int = 0) -> dict[str, object]:
    return {"index": index, "delta": delta, "finish_reason": finish_reason}


@given(st.text(min_size=1).filter(str.isprintable))
def test_the_parts_make_what_the_answer_would_have_been_in_one_piece(text: str) -> None:
    stream = ChatStream()
    told = [stream.take(part) for part in answers.chat_chunks(3, 5, "m", "p", text, include_usage=True)]
    assert "".join(told) == text
    assert stream.is_whole
    whole = orjson.loads(answers.chat_completion(3, 5, "m", "p", text))
    # Two things that this server leaves out of its chunks.
    del whole["choices"][0]["message"]["refusal"], whole["system_fingerprint"]
    assert orjson.loads(stream.completion()) == whole


def test_calls_of_tools_come_in_parts_too() -> None:
    stream = ChatStream()
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "add", "arguments": ""}}
    second = {"index": 1, "id": "call_2", "type": "function", "function": {"name": "sub", "arguments": "{}"}}
    stream.take(chunk(choice({"role": "assistant", "content": None, "tool_calls": [first]})))
    stream.take(chunk(choice({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]})))
    stream.take(chunk(choice({"tool_calls": [second, {"index": 0, "function": {"arguments": "1}"}}]})))
    stream.take(chunk(choice({}, "tool_calls")))
    [whole] = orjson.loads(stream.completion())["choices"]
    assert whole["finish_reason"] == "tool_calls"
    assert whole["message"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}},
            {"id": "call_2", "type": "function", "function": {"name": "sub", "arguments": "{}"}},
        ],
    }


def test_of_several_choices_the_first_one_s_text_is_told_and_all_are_kept() -> None:
    stream = ChatStream()
    assert stream.take(chunk(choice({"content": "a"}), choice({"content": "x"}, index=1))) == "a"
    assert stream.take(chunk(choice({}, "stop", index=1))) == ""
    ends = [stream.is_whole]
    logprobs = {"content": [{"token": "b"}], "refusal": None}
    assert stream.take(chunk({**choice({"content": "b", "reasoning": "r"}, "length"), "logprobs": logprobs})) == "b"
    stream.take(chunk(usage={"total_tokens": 3}))
    assert [*ends, stream.is_whole] == [False, True]
    whole = orjson.loads(stream.completion())
    assert [one["message"]["content"] for one in whole["choices"]] == ["ab", "x"]
    assert whole["choices"][0]["logprobs"] == logprobs
    assert whole["choices"][0]["message"]["reasoning"] == "r"
    assert (whole["object"], whole["usage"], stream.tokens) == ("chat.completion", {"total_tokens": 3}, 3)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"[]", b'{"choices":1}', b'{"choices":[1]}', b'{"choices":[{"index":"a"}]}']
)
def test_what_is_no_chunk_is_said_so(data: bytes) -> None:
    with pytest.raises(BadChunk):
        ChatStream().take(data)


@pytest.mark.parametrize(("error", "content"), [({"code": 429}, {"code": 429}), ("words", {})])
def test_an_error_in_the_middle_is_said_so(error: object, content: object) -> None:
    with pytest.raises(ModelGaveUp) as raised:
        ChatStream().take(orjson.dumps({"error": error}))
    assert raised.value.content == content


def test_an_end_before_anything_came_is_no_answer() -> None:
    stream = ChatStream()
    stream.take(b"[DONE]")
    assert not stream.is_whole


def test_the_size_grows_with_the_answer_and_not_with_its_framing() -> None:
    stream = ChatStream()
    for _ in range(1_000):
        stream.take(chunk(choice({"content": "word "})))
    assert 5_000 <= stream.size <= 5_200
    stream.take(chunk(choice({"content": "x" * 10_000})))
    assert stream.size >= 9_900


def test_chunks_of_one_size_count_with_what_they_add() -> None:
    stream = ChatStream()
    for size in (10, 400, 10_000):
        before = stream.size
        for _ in range(50):
            stream.take(chunk(choice({"content": "x" * size})))
        assert stream.size - before >= 50 * size


def test_calls_and_log_probabilities_count_too() -> None:
    stream = ChatStream()
    call = {"index": 0, "function": {"arguments": "x" * 50}}
    logprobs = {"content": [{"token": "x" * 50}]}
    for _ in range(100):
        stream.take(chunk({**choice({"tool_calls": [call]}), "logprobs": logprobs}, usage={"total_tokens": 1}))
    assert 10_000 <= stream.size <= 15_000


@pytest.mark.parametrize("calls", [["x"], "xx", 5, {"a": 1}, [None, [1]]])
def test_calls_of_tools_of_any_kind_can_be_put_together(calls: object) -> None:
    stream = ChatStream()
    stream.take(chunk(choice({"tool_calls": calls}, "stop")))
    [whole] = orjson.loads(stream.completion())["choices"]
    assert whole["message"]["tool_calls"] == calls


def test_chunks_with_nothing_but_choices_make_an_answer() -> None:
    stream = ChatStream()
    stream.take(orjson.dumps({"choices": [choice({"content": "hi"}, "stop")]}))
    stream.take(b"[DONE]")
    assert stream.is_whole
    [whole] = orjson.loads(stream.completion())["choices"]
    assert whole["message"]["content"] == "hi"


def test_a_null_is_read_as_if_it_were_absent() -> None:
    stream = ChatStream()
    stream.take(orjson.dumps({"id": "c", "choices": [{"index": None, "delta": {"content": "a"}}]}))
    assert stream.take(chunk(choice({"content": "b"}, "stop"))) == "b"
    assert stream.take(b'{"choices":null,"usage":{"total_tokens":3}}') == ""
    whole = orjson.loads(stream.completion())
    assert whole["usage"] == {"total_tokens": 3}
    assert [one["message"]["content"] for one in whole["choices"]] == ["ab"]


def steps_of(run: Callable[[], object]) -> int:
    """How many lines of Python `run` goes through."""
    steps = 0

    def count(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        nonlocal steps
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        run()
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    "part",
    [
        lambda _number: {**choice({}), "logprobs": {"content": [{"token": "abcd"}]}},
        lambda number: choice({"tool_calls": [{"index": number, "function": {"arguments": "x"}}]}),
        lambda number: choice({}, "stop", index=number),
    ],
    ids=["log probabilities", "calls of tools", "choices"],
)
def test_the_work_grows_with_the_answer_and_not_with_its_square(part: Callable[[int], dict[str, object]]) -> None:
    def taken(chunks: int) -> int:
        stream = ChatStream()
        parts = [chunk(part(number)) for number in range(chunks)]
        return steps_of(lambda: [stream.take(data) for data in parts])

    assert taken(800) < 6 * taken(200)


def test_a_text_is_not_copied_with_each_part_and_takes_little_more_than_its_size() -> None:
    stream, most, kept = ChatStream(), 0, 0
    parts = [chunk(choice({"content": f"{number:04d}" * 10})) for number in range(10_000)]
    tracemalloc.start()
    try:
        for data in parts:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            stream.take(data)
            kept, peak = tracemalloc.get_traced_memory()
            most = max(most, peak - before)
    finally:
        tracemalloc.stop()
    assert most < 100_000
    assert kept < 600_000
    [whole] = orjson.loads(stream.completion())["choices"]
    assert whole["message"]["content"] == "".join([f"{number:04d}" * 10 for number in range(10_000)])

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
    assert 0 <= stream.size <= 5_000
    stream.take(chunk(choice({"content": "x" * 10_000})))
    assert stream.size >= 9_900

from typing import Any

import orjson
import pytest

from consumer.llm.chat_stream import BadChunk, ModelGaveUp
from consumer.llm.classification import classify_answer
from consumer.llm.outcomes import Answered, Cause, Faulted, Rejected
from consumer.llm.response_stream import ResponseStream
from tests.support.fake_model.answers import response_events


def event(kind: str, **fields: Any) -> bytes:
    return orjson.dumps({"type": kind, **fields})


def test_the_texts_are_told_and_the_last_event_has_the_whole() -> None:
    stream = ResponseStream()
    texts = [stream.take(data) for data in response_events(1, 5, "m", "one two", "echo: one two")]
    assert "".join(texts) == "echo: one two"
    assert (stream.tokens, stream.is_whole) == (3, True)
    outcome = classify_answer("/v1/responses", 200, stream.completion())
    assert isinstance(outcome, Answered)
    assert outcome.usage is not None


def test_it_is_not_whole_before_its_last_event() -> None:
    stream = ResponseStream()
    for data in list(response_events(1, 5, "m", "one", "echo: one"))[:-1]:
        stream.take(data)
    stream.take(b"[DONE]")
    assert not stream.is_whole
    assert stream.size >= len("echo: one")


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b'"text"',
        event("response.output_text.delta", delta=3),
        event("response.completed", response=None),
    ],
)
def test_what_is_no_event_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(BadChunk):
        ResponseStream().take(data)


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (event("error", code="server_error", message="x", param=None), "server_error"),
        (orjson.dumps({"error": {"code": 429, "message": "x"}}), 429),
    ],
)
def test_an_error_ends_it(data: bytes, content: object) -> None:
    with pytest.raises(ModelGaveUp) as gave_up:
        ResponseStream().take(data)
    assert gave_up.value.content["code"] == content


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("completed", None, Answered),
        ("incomplete", None, Answered),
        ("failed", "server_error", Cause.MODEL_ERROR),
        ("failed", None, Cause.MODEL_ERROR),
        ("failed", "rate_limit_exceeded", Cause.RATE_LIMITED),
        ("failed", "invalid_prompt", Rejected),
        ("queued", None, Cause.MALFORMED),
        ("cancelled", None, Cause.MALFORMED),
    ],
)
def test_what_a_response_says_of_itself_counts(status: str, code: str | None, expected: object) -> None:
    error = None if status != "failed" else {"code": code, "message": "the prompt again"}
    body = orjson.dumps({"output": [], "status": status, "error": error})
    outcome = classify_answer("/v1/responses", 200, body)
    if isinstance(expected, Cause):
        assert isinstance(outcome, Faulted)
        assert outcome.cause is expected
    else:
        assert type(outcome) is expected
    if isinstance(outcome, Rejected | Faulted):
        assert "prompt again" not in outcome.error.message

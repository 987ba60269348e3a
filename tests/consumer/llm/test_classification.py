from email.utils import formatdate

import orjson
import pytest
from hypothesis import given, strategies as st

from consumer.llm.classification import (
    classify_answer,
    classify_error,
    parse_object,
    retry_after_seconds,
)
from consumer.llm.outcomes import Answered, Cause, Faulted, Rejected, Unreadable

CHAT = "/v1/chat/completions"
NOW = 1_700_000_000.0


def error_body(**fields: object) -> bytes:
    return orjson.dumps({"error": {"message": "the prompt was: secret", "type": None, "code": None, **fields}})


FAULTS = [
    (408, {}, Cause.MODEL_ERROR),
    (409, {}, Cause.MODEL_ERROR),
    (425, {}, Cause.MODEL_ERROR),
    (500, {}, Cause.MODEL_ERROR),
    (502, {}, Cause.MODEL_ERROR),
    (503, {}, Cause.MODEL_ERROR),
    (504, {}, Cause.MODEL_ERROR),
    (529, {}, Cause.MODEL_ERROR),
    (429, {}, Cause.RATE_LIMITED),
    (429, {"code": "rate_limit_exceeded"}, Cause.RATE_LIMITED),
    (429, {"code": "insufficient_quota"}, Cause.OUT_OF_QUOTA),
    (429, {"type": "insufficient_quota"}, Cause.OUT_OF_QUOTA),
    (401, {"code": "invalid_api_key"}, Cause.MISCONFIGURED),
    (402, {}, Cause.MISCONFIGURED),
    (403, {}, Cause.MISCONFIGURED),
    (407, {}, Cause.MISCONFIGURED),
    (301, {}, Cause.MISCONFIGURED),
    (308, {}, Cause.MISCONFIGURED),
]


@pytest.mark.parametrize(("status", "fields", "cause"), FAULTS)
def test_a_status_that_may_pass_is_a_fault(status: int, fields: dict[str, object], cause: Cause) -> None:
    outcome = classify_error(status, {}, error_body(**fields), now=NOW)
    assert isinstance(outcome, Faulted)
    assert outcome.cause is cause
    assert outcome.status_code == status


# Status, the error's words, what the request for a client's own choice of model comes to.
OF_A_CLIENTS_MODEL = [
    (403, {"code": "model_not_found", "type": "invalid_request_error"}, "model_not_found"),
    (403, {"code": "403", "type": "key_model_access_denied"}, "key_model_access_denied"),
    (401, {"code": "401", "type": "team_model_access_denied"}, "team_model_access_denied"),
    (403, {}, Cause.FORBIDDEN),
    (403, {"type": "permission_error"}, Cause.FORBIDDEN),
    (403, {"code": "unsupported_country_region_territory", "type": "request_forbidden"}, Cause.MISCONFIGURED),
    (401, {"code": "invalid_api_key"}, Cause.MISCONFIGURED),
    (401, {}, Cause.MISCONFIGURED),
    (402, {}, Cause.MISCONFIGURED),
]


@pytest.mark.parametrize(("status", "fields", "expected"), OF_A_CLIENTS_MODEL)
def test_who_names_a_model_that_is_forbidden_is_refused_it_and_our_own_model_is_our_own_fault(
    status: int, fields: dict[str, object], expected: str | Cause
) -> None:
    body = error_body(**fields)
    outcome = classify_error(status, {}, body, now=NOW, own_model=False)
    if isinstance(expected, Cause):
        assert isinstance(outcome, Faulted)
        assert outcome.cause is expected
    else:
        assert isinstance(outcome, Rejected)
        assert (outcome.status_code, outcome.error.code) == (status, expected)
    # Such an answer may name the operator's account.
    assert outcome.body is None
    ours = classify_error(status, {}, body, now=NOW, own_model=True)
    assert isinstance(ours, Faulted)
    assert ours.cause is Cause.MISCONFIGURED


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422, 451, 499])
def test_a_status_that_will_not_pass_rejects_the_request(status: int) -> None:
    body = error_body(type="invalid_request_error", code="model_not_found", param="messages[0].content")
    outcome = classify_error(status, {}, body, now=NOW)
    assert isinstance(outcome, Rejected)
    assert (outcome.status_code, outcome.body) == (status, body)
    error = outcome.error
    assert (error.type, error.code, error.param) == ("invalid_request_error", "model_not_found", "messages[0].content")


@given(st.integers(300, 599), st.text(min_size=9), st.sampled_from(["message", "type", "code", "param"]))
def test_no_word_of_the_model_that_could_be_the_prompt_is_in_the_error(status: int, prompt: str, field: str) -> None:
    prompt = f"{prompt} and so on"
    outcome = classify_error(status, {}, error_body(**{field: prompt}), now=NOW)
    assert isinstance(outcome, Rejected | Faulted)
    assert prompt not in outcome.error.as_json().values()
    assert "and so on" not in outcome.error.message


@pytest.mark.parametrize("status", [401, 403, 429])
def test_what_a_model_says_of_our_own_account_is_not_kept(status: int) -> None:
    outcome = classify_error(status, {}, error_body(code="insufficient_quota"), now=NOW)
    assert isinstance(outcome, Faulted)
    assert outcome.body is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"error": "text"}', b'{"error": {"code": 5}}'])
def test_an_error_of_any_shape_is_classified(body: bytes) -> None:
    assert isinstance(classify_error(400, {}, body, now=NOW), Rejected)
    assert isinstance(classify_error(500, {}, body, now=NOW), Faulted)


@pytest.mark.parametrize(
    ("endpoint", "field"),
    [(CHAT, "choices"), ("/v1/completions", "choices"), ("/v1/embeddings", "data"), ("/v1/responses", "output")],
)
def test_an_answer_has_the_shape_of_its_endpoint(endpoint: str, field: str) -> None:
    body = orjson.dumps({field: [], "model": "m", "usage": {"total_tokens": 3}})
    assert classify_answer(endpoint, 200, body) == Answered(
        body=body, status_code=200, model="m", usage={"total_tokens": 3}
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"[]",
        b'"choices"',
        b"{}",
        b'{"choices": null}',
        b'{"choices": []',
        b'{"error": {"message": "no"}}',
        b'{"choices": []}]],[[{}',
        b'{"choices": []},{}',
        b'{"choices": ["\\ud83d"',
        b'{"choices": [NaN]',
        b'{"choices": NaN}',
        b'{"error": "\\ud83d"}',
    ],
    ids=range(14),
)
def test_what_is_no_answer_is_a_fault(body: bytes) -> None:
    outcome = classify_answer(CHAT, 200, body)
    assert isinstance(outcome, Faulted)
    assert outcome.cause is Cause.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": ["\\ud83d"]}',
        b'{"choices": [NaN, Infinity, -Infinity]}',
        b'{"choices": [1e400]}',
        b'{"choices": [' + b"9" * 5000 + b"]}",
        b'{"choices": ["\x00\n"]}',
        b'{"choices": ["\xff"]}',
        b'\xef\xbb\xbf{"choices": []}',
        b'{"choices": ' + b"[" * 1022 + b"]" * 1022 + b"}",
    ],
    ids=range(8),
)
def test_what_is_whole_and_beyond_reading_is_not_paid_for_again(body: bytes) -> None:
    outcome = classify_answer(CHAT, 200, body)
    assert isinstance(outcome, Unreadable)
    assert (outcome.error.code, outcome.status_code) == ("unreadable_answer", 200)


@pytest.mark.parametrize(
    ("endpoint", "choice"),
    [
        (CHAT, None),
        (CHAT, "x"),
        (CHAT, {}),
        (CHAT, {"message": "x"}),
        (CHAT, {"message": {"tool_calls": 5}}),
        (CHAT, {"message": {"tool_calls": ["x"]}}),
        ("/v1/completions", None),
    ],
)
def test_a_choice_that_is_none_was_paid_for_and_is_not_again(endpoint: str, choice: object) -> None:
    good: dict[str, object] = {"message": {"content": "x", "tool_calls": None}, "text": "x"}
    assert isinstance(classify_answer(endpoint, 200, orjson.dumps({"choices": [good]})), Answered)
    outcome = classify_answer(endpoint, 200, orjson.dumps({"choices": [good, choice]}))
    assert isinstance(outcome, Unreadable)


def test_a_failed_response_s_error_that_cannot_be_written_is_left_out() -> None:
    deep = b"[" * 300 + b"]" * 300
    body = b'{"output":[],"status":"failed","error":{"code":"invalid_prompt","message":%b}}' % deep
    outcome = classify_answer("/v1/responses", 200, body)
    assert isinstance(outcome, Rejected)
    assert outcome.body is None


@given(st.binary(), st.binary())
def test_no_answer_that_was_cut_counts_as_whole(text: bytes, more: bytes) -> None:
    whole = orjson.dumps({"choices": [text.hex(), {"a": [more.hex()]}]})
    for end in range(len(whole)):
        outcome = classify_answer(CHAT, 200, whole[:end])
        assert isinstance(outcome, Faulted)
        assert outcome.cause is Cause.MALFORMED


def test_a_model_name_or_usage_out_of_all_bounds_is_left_out() -> None:
    body = orjson.dumps({"choices": [], "model": "m" * 201, "usage": {"x": "y" * 5000}})
    outcome = classify_answer(CHAT, 200, body)
    assert isinstance(outcome, Answered)
    assert (outcome.model, outcome.usage) == (None, None)
    deep = b"[" * 300 + b"]" * 300
    nested = classify_answer("/v1/chat/completions", 200, b'{"choices":[],"usage":{"a":' + deep + b"}}")
    assert isinstance(nested, Answered)
    assert nested.usage is None


@given(
    st.binary()
    | st.recursive(st.none() | st.text(), st.lists, max_leaves=5).map(lambda value: orjson.dumps(value, default=str))
)
def test_only_json_objects_are_parsed(body: bytes) -> None:
    parsed = parse_object(body)
    try:
        expected = orjson.loads(body)
    except orjson.JSONDecodeError:
        expected = None
    assert parsed == (expected if isinstance(expected, dict) else None)


RETRY_AFTER = [
    ({"retry-after": "3"}, 3.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "2.5"}, 2.5),
    ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
    ({"retry-after": formatdate(NOW + 60, usegmt=True)}, 60.0),
    ({"retry-after": formatdate(NOW - 60, usegmt=True)}, 0.0),
    ({"retry-after": "-1"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "tomorrow"}, None),
    ({"retry-after": ""}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), RETRY_AFTER)
def test_retry_after_is_read_as_seconds_or_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, now=NOW) == seconds


@given(st.text(), st.text())
def test_any_retry_after_is_none_or_a_time_to_come(seconds: str, millis: str) -> None:
    delay = retry_after_seconds({"retry-after": seconds, "retry-after-ms": millis}, now=NOW)
    assert delay is None or delay >= 0

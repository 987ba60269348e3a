import json

import orjson
import pytest
from hypothesis import given, strategies as st

from common.result import (
    ApiError,
    Result,
    TaskRecordPlace,
    decode_result,
    encode_result,
    on_one_line,
    task_record_place,
)
from common.task import Status

BODY = b'{ "id":"x",  "value":1.10, "big":123456789012345678901234567890, "choices":[] }'


def result(**changes: object) -> Result:
    fields: dict[str, object] = {
        "task_id": "01980000-0000-7000-8000-000000000000",
        "tenant": "local",
        "status": Status.COMPLETED,
        "created_at": 1.0004,
        "expires_at": 9.0,
        "progress": 100,
        "started_at": 2.0,
        "finished_at": 3.0,
        "attempt": 2,
        "attempts": 2,
        "token": "t",
        "model": "m",
        "status_code": 200,
        "body": BODY,
        "usage": {"total_tokens": 3},
    }
    return Result(**(fields | changes))  # type: ignore[arg-type] # a table of any of its fields


def test_the_answers_bytes_stand_in_the_record_as_they_came() -> None:
    assert BODY in encode_result(result())


PRETTY = b'{\r\n  "value": 1.10,\n\t"big": 123456789012345678901234567890,\n  "text": "a\\nb",\n  "choices": []\n}\n'


def test_a_pretty_printed_answer_is_one_line_of_the_record_and_loses_nothing_but_line_breaks() -> None:
    value = encode_result(result(body=PRETTY))
    assert value.splitlines() == [value]
    assert b'{  "value": 1.10,\t"big": 123456789012345678901234567890,  "text": "a\\nb",  "choices": []}' in value


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 0, 2, "\t", "\r"]), st.booleans())
def test_json_without_its_line_breaks_is_the_same_json(
    content: object,
    indent: int | str | None,
    ascii_only: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    body = json.dumps(content, indent=indent, ensure_ascii=ascii_only).encode()
    line = on_one_line(body)
    assert b"\n" not in line
    assert b"\r" not in line
    assert json.loads(line) == content
    if indent is None:
        assert line == body


def test_the_record_is_the_documented_one() -> None:
    content = orjson.loads(encode_result(result(body=b"{}")))
    assert content == {
        "version": 1,
        "task_id": "01980000-0000-7000-8000-000000000000",
        "tenant": "local",
        "lane": "interactive",
        "run": 1,
        "attempt": 2,
        "token": "t",
        "status": "completed",
        "endpoint": "/v1/chat/completions",
        "model": "m",
        "response": {"status_code": 200, "body": {}},
        "error": None,
        "usage": {"total_tokens": 3},
        "metadata": {},
        "batch": None,
        "attempts": 2,
        "progress": 100,
        "created_at": 1.0,
        "expires_at": 9.0,
        "started_at": 2.0,
        "finished_at": 3.0,
    }


def test_a_failure_has_its_error_in_openais_shape_and_no_response() -> None:
    error = ApiError(message="m", type="server_error", code="c")
    content = decode_result(encode_result(result(status=Status.FAILED, error=error, status_code=None, body=None)))
    assert content["error"] == {"message": "m", "type": "server_error", "param": None, "code": "c"}
    assert content["response"] is None


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"version":2}', b"\xff"])
def test_what_is_no_result_record_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the contract
        decode_result(value)


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**18 - 1))
def test_the_place_of_a_tasks_record_is_read_as_it_was_written(partition: int, offset: int) -> None:
    place = TaskRecordPlace(partition, offset)
    assert task_record_place([("tenant", b"7-7"), place.as_header()]) == place


@pytest.mark.parametrize(
    "content", [b"", b"3", b"3-", b"-3-7", b"03-7", b"3-7 ", b"3-" + b"9" * 19, "٣-7".encode(), None]
)
def test_a_header_that_names_no_place_is_passed_over(content: bytes | None) -> None:
    assert task_record_place([("task-record", content)]) is None

import orjson
import pytest

from common.result import ApiError, Result, decode_result, encode_result
from common.task import Status

BODY = b'{ "id":"x",  "value":1.10, "big":123456789012345678901234567890, "choices":[] }'


def result(**changes: object) -> Result:
    fields: dict[str, object] = {
        "task_id": "01980000-0000-7000-8000-000000000000",
        "tenant": "local",
        "status": Status.COMPLETED,
        "created_at": 1.0004,
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
        "created_at": 1.0,
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

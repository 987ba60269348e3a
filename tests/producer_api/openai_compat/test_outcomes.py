"""What a task without an answer is answered with."""

from typing import Any

import orjson
import pytest

from common.result import EXPIRED, ApiError, Result, encode_result
from common.store.state import TaskState
from common.task import Lane, Status
from producer_api.openai_compat.outcomes import failure_answer, failure_of, stopped

OWN_WORDS = {"message": "Too many bananas.", "type": "invalid_request_error", "param": "messages", "code": "bananas"}


def ended(status: Status, *, status_code: int | None = None, body: Any = None, **error: str) -> TaskState:
    result = Result(
        task_id="t", tenant="t", status=status, created_at=0, expires_at=9, finished_at=5, status_code=status_code,
        body=None if body is None else orjson.dumps(body),
        error=ApiError(**{"message": "ours", "type": "server_error", **error}) if error else None,
    )  # fmt: skip
    return TaskState(
        task_id="t", status=status, run=1, tenant="t", lane=Lane.INTERACTIVE, progress=0, attempts=1,
        created_at=0, expires_at=9, result=encode_result(result),
    )  # fmt: skip


def failed(status_code: int | None = None, *, body: Any = None, **error: str) -> TaskState:
    return ended(Status.FAILED, status_code=status_code, body=body, **error)


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        (failed(400, type="invalid_request_error", code="bananas"), 400, "bananas"),
        (failed(404, type="invalid_request_error", code="model_not_found"), 404, "model_not_found"),
        (failed(413, type="invalid_request_error", code="rejected_by_model"), 413, "rejected_by_model"),
        (failed(422, type="invalid_request_error", code="bananas"), 422, "bananas"),
        (failed(429, type="rate_limit_error", code="rate_limited"), 429, "rate_limited"),
        (failed(429, type="insufficient_quota", code="insufficient_quota"), 429, "insufficient_quota"),
        (failed(401, type="server_error", code="misconfigured"), 502, "misconfigured"),
        (failed(307, type="server_error", code="misconfigured"), 502, "misconfigured"),
        (failed(403, type="permission_error", code="forbidden"), 502, "forbidden"),
        (failed(401, type="invalid_request_error", code="key_model_access_denied"), 403, "key_model_access_denied"),
        (failed(403, type="invalid_request_error", code="model_not_found"), 403, "model_not_found"),
        (failed(409, type="server_error", code="model_error"), 502, "model_error"),
        (failed(500, type="server_error", code="model_error"), 502, "model_error"),
        (failed(503, type="server_error", code="model_error"), 502, "model_error"),
        (failed(504, type="server_error", code="model_error"), 504, "model_error"),
        (failed(type="timeout_error", code="timeout"), 504, "timeout"),
        (failed(type="server_error", code="broken_off"), 502, "broken_off"),
        (failed(200, type="server_error", code="malformed_answer"), 502, "malformed_answer"),
        (failed(200, type="server_error", code="unreadable_answer"), 502, "unreadable_answer"),
        (failed(type="invalid_request_error", code="result_too_large"), 502, "result_too_large"),
        (failed(type="invalid_request_error", code="unsupported_endpoint"), 400, "unsupported_endpoint"),
        (failed(type="server_error", code="handler_error"), 500, "handler_error"),
        (failed(type="server_error", code="worker_lost"), 500, "worker_lost"),
        (failed()._replace(result=None), 502, "result_gone"),
        (ended(Status.EXPIRED, type="timeout_error", code="expired"), 504, "expired"),
        (ended(Status.EXPIRED)._replace(result=None), 504, "expired"),
        (ended(Status.CANCELLED), 409, "cancelled"),
        (ended(Status.COMPLETED, status_code=200, body={})._replace(result=None), 502, "result_gone"),
        (None, 409, "deleted"),
    ],
)
def test_every_end_has_its_status_and_no_client_repeats_it(state: TaskState | None, status: int, code: str) -> None:
    failure = failure_of(state)
    assert failure is not None
    assert (failure.status, failure.error["code"]) == (status, code)
    assert failure.headers == {"x-should-retry": "false"}


def test_an_answer_is_no_failure() -> None:
    assert failure_of(ended(Status.COMPLETED, status_code=200, body={"choices": []})) is None


def test_the_model_servers_own_words_are_told_to_whom_they_are_about() -> None:
    failure = failure_of(failed(400, body={"error": OWN_WORDS}, type="invalid_request_error", code="bananas"))
    assert failure is not None
    assert failure.error == OWN_WORDS


@pytest.mark.parametrize("body", [{"error": "bananas"}, {"error": {"message": 5}}, {"detail": "no"}, ["error"]])
def test_words_in_another_shape_are_replaced_by_ours(body: Any) -> None:
    failure = failure_of(failed(400, body=body, type="invalid_request_error", code="bananas"))
    assert failure is not None
    assert failure.error["message"] == "ours"


def test_what_it_says_to_the_operator_is_not_told() -> None:
    failure = failure_of(failed(500, body={"error": OWN_WORDS}, type="server_error", code="model_error"))
    assert failure is not None
    assert failure.error["message"] == "ours"


def test_only_what_is_not_paid_for_twice_may_be_repeated_when_the_server_ends() -> None:
    assert stopped(is_own=True).headers == {"x-should-retry": "false"}
    assert stopped(is_own=False).headers == {"retry-after": "1"}
    answer = failure_answer(stopped(is_own=True), {"x-promptmill-task-id": "t"})
    assert answer.status_code == 503
    assert (answer.headers["x-should-retry"], answer.headers["x-promptmill-task-id"]) == ("false", "t")
    assert orjson.loads(answer.body)["error"]["code"] == "stopping"


def test_expired_is_said_as_the_workers_say_it() -> None:
    failure = failure_of(ended(Status.EXPIRED)._replace(result=None))
    assert failure is not None
    assert failure.error == EXPIRED.as_json()

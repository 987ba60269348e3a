"""What a task that ended without an answer is answered with: one table, top to bottom. Pure.

The queue has tried again whatever was worth it, so every answer asks OpenAI's client not to.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from fastapi import Response

from common.result import EXPIRED, ApiError, decode_result
from common.setting_names import variable_name
from common.store.state import TaskState
from common.task import Status
from producer_api.errors import INVALID_REQUEST, SERVER_ERROR

NO_RETRY: Mapping[str, str] = MappingProxyType({"x-should-retry": "false"})

_CANCELLED = ApiError(
    message="The task was cancelled before it had an answer. Send the request again if it is still wanted.",
    type="conflict_error",
    code="cancelled",
)
_DELETED = ApiError(
    message="The task was deleted before its answer was read. Send the request again if it is still wanted.",
    type="conflict_error",
    code="deleted",
)
_LOST = ApiError(message="The answer is gone: its time has passed.", type=SERVER_ERROR, code="result_gone")
_STOPPING = ApiError(
    message="The server ends, and the task with it: its answer did not come in time. Send the request again.",
    type=SERVER_ERROR,
    code="stopping",
)
_STOPPING_KEPT = ApiError(
    message="The server ends, the task goes on: the same request with its Idempotency-Key gets the answer.",
    type=SERVER_ERROR,
    code="stopping",
)
# Faults of the server's own, in whatever numbers it says them.
_SERVER_SIDE = frozenset({408, 409, 425})
_OPERATORS = frozenset({401, 402, 403, 407})
_OWN_CODES = frozenset({"handler_error", "worker_lost", "unreadable_record"})


class Failure(NamedTuple):
    """An HTTP status, what stands under `error`, and headers."""

    status: int
    error: dict[str, Any]
    headers: Mapping[str, str] = NO_RETRY


TOO_LARGE = Failure(
    502,
    ApiError(
        message="The answer is larger than the API may hold: ask for a shorter one. The limit is "
        f"{variable_name('api', 'max_answer_bytes')}.",
        type=SERVER_ERROR,
        code="result_too_large",
    ).as_json(),
)
TOO_SLOW = Failure(
    503,
    ApiError(
        message="More of the answer came than is kept for a client that does not read it. Read faster, or without "
        "`stream`.",
        type=SERVER_ERROR,
        code="too_slow",
    ).as_json(),
)
NO_RESPONSE = Failure(
    502,
    ApiError(
        message="The model's answer has no message, and cannot be shown as a Response: read the task at /v1/tasks.",
        type=SERVER_ERROR,
        code="no_response",
    ).as_json(),
)
NO_COMPLETION = Failure(
    502,
    ApiError(
        message="The model's answer is no chat completion, and cannot be sent in chunks: read the task at /v1/tasks.",
        type=SERVER_ERROR,
        code="no_response",
    ).as_json(),
)
ATTEMPT_LOST = Failure(
    502,
    ApiError(
        message="The model's answer broke off after a part of it was sent: that part is no answer. Send the request "
        "again.",
        type=SERVER_ERROR,
        code="attempt_lost",
    ).as_json(),
)


def failure_of(state: TaskState | None) -> Failure | None:
    """Why a task that has ended has no answer; None where it has one. `state` is None for a deleted task."""
    if state is None:
        return Failure(409, _DELETED.as_json())
    match state.status:
        case Status.COMPLETED:
            return None if state.result is not None else Failure(502, _LOST.as_json())
        case Status.CANCELLED:
            return Failure(409, _CANCELLED.as_json())
        case Status.EXPIRED:
            return Failure(504, EXPIRED.as_json())
    return _of_record({} if state.result is None else decode_result(state.result))


def stopped(*, is_own: bool) -> Failure:
    """This process ended first. What is safe to repeat, for nothing is paid twice, may be repeated by itself."""
    if is_own:
        return Failure(503, _STOPPING.as_json())
    return Failure(503, _STOPPING_KEPT.as_json(), {"retry-after": "1"})


def failure_answer(failure: Failure, headers: Mapping[str, str]) -> Response:
    """The answer that says so; `headers` are added."""
    content = orjson.dumps({"error": failure.error})
    return Response(content, failure.status, {**failure.headers, **headers}, media_type="application/json")


def _of_record(record: Mapping[str, Any]) -> Failure:
    error = record.get("error") or _LOST.as_json()
    response = record.get("response") or {}
    status = _status(response.get("status_code"), error)
    return Failure(status, _own_words(response.get("body"), error) if _is_clients(status) else error)


def _status(upstream: int | None, error: Mapping[str, Any]) -> int:  # noqa: PLR0911 - the whole table
    kind, code = error.get("type"), error.get("code")
    if code in _OWN_CODES:
        return 500
    if kind == EXPIRED.type:
        return 504
    if code in {"unsupported_endpoint", "unsupported_value"}:
        return 400
    if upstream is None or upstream in _SERVER_SIDE:
        # No answer, one that broke off, or one that is more than may be kept.
        return 502
    if upstream in _OPERATORS:
        # The model that was named is not allowed, or it is our key: the client's was good enough for us.
        return 403 if kind == INVALID_REQUEST else 502
    if 400 <= upstream < 500:  # noqa: PLR2004 - HTTP's own class
        return upstream
    return 504 if upstream == 504 else 502  # noqa: PLR2004 - HTTP's own number


def _is_clients(status: int) -> bool:
    return status < 500  # noqa: PLR2004 - HTTP's own class


def _own_words(body: Any, error: Mapping[str, Any]) -> dict[str, Any]:
    """The model server's own error, which is about the client's own request; ours where it has none of that shape."""
    said = body.get("error") if isinstance(body, dict) else None
    if not isinstance(said, dict) or not isinstance(said.get("message"), str):
        return dict(error)
    return {"message": said["message"], "type": said.get("type"), "param": said.get("param"), "code": said.get("code")}

"""What an exchange with the model came to. Pure: bytes and headers in, one of a closed set out.

The text of an error is our own. A model server's words may repeat the prompt, so of its error only `type`, `code` and
`param` are taken, and only where they look like the identifiers they should be. Its whole error body goes to the
task's owner as the result's `response.body`, and nowhere else.
"""

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from common.result import ApiError
from common.task import CHAT_COMPLETIONS, RESPONSES
from consumer.llm.outcomes import Answered, CallOutcome, Cause, Faulted, Rejected, TooLarge, Unreadable
from consumer.llm.whole_answer import is_whole

# The field without which an object is no answer of that endpoint.
_ANSWER_FIELD = {
    "/v1/chat/completions": "choices",
    "/v1/completions": "choices",
    "/v1/embeddings": "data",
    "/v1/responses": "output",
}
ENDPOINTS = frozenset(_ANSWER_FIELD)
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
_MAX_MODEL_CHARACTERS = 200
_MAX_USAGE_BYTES = 4096
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_FAULTS = frozenset({408, 409, 425})
_OWN_FAULTS = frozenset({401, 402, 403, 407})
_UNAUTHORIZED, _FORBIDDEN = 401, 403
# Words of model servers and proxies that speak of the model which was named, and not of who asked for it.
_MODEL_DENIED = re.compile(r"model_not_found|([a-z]+_)?model_access_denied")
# Of a 403 that speaks of who asked: no other model would be allowed either.
_KEY_DENIED = frozenset(
    {"unsupported_country_region_territory", "insufficient_permissions", "ip_not_authorized", "account_deactivated"}
)
_FIRST_REDIRECT, _FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 300, 400, 500
_RATE_LIMITED = 429


def classify_answer(endpoint: str, status_code: int, body: bytes) -> CallOutcome:
    """What a 2xx answer of one of `ENDPOINTS` is worth: whole JSON of its shape, or nothing."""
    content = parse_object(body)
    field = _ANSWER_FIELD[endpoint]
    if content is None and is_whole(body, field):
        return unreadable(status_code)
    if content is None or not isinstance(content.get(field), list):
        return malformed(status_code, "no JSON object" if content is None else f"no {field!r} in it")
    if endpoint == RESPONSES and content.get("status") not in (None, "completed", "incomplete"):
        return _without_answer(status_code, content)
    if field == "choices" and not all(_is_choice(endpoint, choice) for choice in content[field]):
        # As whole as the others, and paid for.
        return unreadable(status_code)
    model = content.get("model")
    return Answered(
        body=body,
        status_code=status_code,
        model=model if isinstance(model, str) and len(model) <= _MAX_MODEL_CHARACTERS else None,
        usage=_small_object(content.get("usage")),
    )


def _is_choice(endpoint: str, choice: object) -> bool:
    """Whether clients can read it as one."""
    if not isinstance(choice, dict) or endpoint != CHAT_COMPLETIONS:
        return isinstance(choice, dict)
    message = choice.get("message")
    if not isinstance(message, dict):
        return False
    calls = message.get("tool_calls")
    return calls is None or (isinstance(calls, list) and all(isinstance(call, dict) for call in calls))


def _without_answer(status_code: int, content: dict[str, Any]) -> CallOutcome:
    """A Response that says of itself that it failed, or was cancelled, or is not ready."""
    error = content.get("error")
    code = _identifier(error.get("code")) if isinstance(error, dict) else None
    if content["status"] != "failed":
        return malformed(status_code, "a Response that is no answer")
    if code in {None, "server_error", "rate_limit_exceeded"}:
        cause = Cause.RATE_LIMITED if code == "rate_limit_exceeded" else Cause.MODEL_ERROR
        failed = ApiError(message="The model server's Response failed.", type=_TYPES[cause], code=code or cause.value)
        return Faulted(cause=cause, error=failed, status_code=status_code)
    try:
        body = orjson.dumps({"error": error})
    except orjson.JSONEncodeError:
        # Nested too deeply: nobody could read it.
        body = None
    return Rejected(
        error=ApiError(
            message=f"The model server rejected the request ({code}). Correct the request.",
            type="invalid_request_error",
            code=code,
        ),
        status_code=400,
        body=body,
    )


def unreadable(status_code: int) -> Unreadable:
    """The answer is whole, and what it says cannot be kept."""
    return Unreadable(
        ApiError(
            message=f"The model server's answer ({status_code}) is whole and cannot be read: half a character, a "
            "number out of bounds, nested too deeply, or a choice of no known shape. Change the request, or submit it "
            "once more.",
            type="server_error",
            code="unreadable_answer",
        ),
        status_code,
    )


def malformed(status_code: int, what: str) -> Faulted:
    """A 2xx answer with `what` in it, which is no answer."""
    return Faulted(
        cause=Cause.MALFORMED,
        error=ApiError(
            message=f"The model server answered {status_code} with {what}.",
            type="server_error",
            code="malformed_answer",
        ),
        status_code=status_code,
    )


def classify_error(
    status_code: int, headers: Mapping[str, str], body: bytes, *, now: float, own_model: bool = True
) -> CallOutcome:
    """What an answer that is not 2xx means for the task; header names are lower case, `now` is in Unix seconds.

    `own_model` says that the request was for the model of our own settings: whoever is refused that, we are. Another
    is the client's choice.
    """
    content = parse_object(body)
    error = content.get("error") if content else None
    fields = error if isinstance(error, dict) else {}
    kept = body if content is not None else None
    code, param, kind = (_identifier(fields.get(name)) for name in ("code", "param", "type"))
    if _FIRST_CLIENT_ERROR <= status_code < _FIRST_SERVER_ERROR and not (
        status_code in _FAULTS | _OWN_FAULTS or status_code == _RATE_LIMITED
    ):
        said = f" ({code})" if code else ""
        return Rejected(
            error=ApiError(
                message=f"The model server rejected the request with {status_code}{said}. Correct the request; "
                "`response` of GET /v1/tasks/ID has the server's own words.",
                type=kind or "invalid_request_error",
                code=code or "rejected_by_model",
                param=param,
            ),
            status_code=status_code,
            body=kept,
        )
    denied = next((word for word in (code, kind) if word and _MODEL_DENIED.fullmatch(word)), None)
    if denied and not own_model and status_code in {_UNAUTHORIZED, _FORBIDDEN}:
        return Rejected(
            error=ApiError(
                message=f"The model server does not allow the model that the request names ({status_code}, {denied}). "
                "Name another one.",
                type="invalid_request_error",
                code=denied,
            ),
            # No body, as below.
            status_code=status_code,
        )
    cause = _cause(status_code, {code, kind}, own_model=own_model)
    return Faulted(
        cause=cause,
        error=ApiError(message=_MESSAGES[cause].format(status_code), type=_TYPES[cause], code=code or cause.value),
        status_code=status_code,
        # What it says to the operator may name the operator's key.
        body=None if cause.is_ours else kept,
        retry_after_seconds=retry_after_seconds(headers, now=now),
    )


_MESSAGES = {
    Cause.MODEL_ERROR: "The model server answered {}.",
    Cause.RATE_LIMITED: "The model server is at its rate limit ({}).",
    Cause.OUT_OF_QUOTA: "The model server's account has no quota left ({}).",
    Cause.MISCONFIGURED: "The model server does not accept this service ({}).",
    Cause.FORBIDDEN: "The model server forbids the request, or the model that it names ({}).",
}
_TYPES = {
    Cause.MODEL_ERROR: "server_error",
    Cause.RATE_LIMITED: "rate_limit_error",
    Cause.OUT_OF_QUOTA: "insufficient_quota",
    Cause.MISCONFIGURED: "server_error",
    Cause.FORBIDDEN: "permission_error",
}


def _cause(status_code: int, words: set[str | None], *, own_model: bool) -> Cause:
    if status_code == _RATE_LIMITED:
        return Cause.OUT_OF_QUOTA if words & _QUOTA_CODES else Cause.RATE_LIMITED
    if status_code == _FORBIDDEN and not own_model and not words & _KEY_DENIED:
        # Our key, the client's model or its very prompt: by one answer nobody can tell.
        return Cause.FORBIDDEN
    if status_code in _OWN_FAULTS or status_code < _FIRST_CLIENT_ERROR:
        # A redirect means another base URL; it is not followed, as a POST would arrive there as a GET.
        return Cause.MISCONFIGURED
    return Cause.MODEL_ERROR


def timed_out(seconds: float) -> Faulted:
    """The call was ended by its own time limit."""
    message = f"The model server did not finish its answer within {seconds:.4g} seconds."
    return Faulted(cause=Cause.TIMEOUT, error=ApiError(message=message, type="timeout_error", code="timeout"))


def unreachable() -> Faulted:
    """No connection: the model never had the request."""
    message = "The model server cannot be reached."
    return Faulted(cause=Cause.UNREACHABLE, error=ApiError(message=message, type="server_error", code="unreachable"))


def broken_off() -> Faulted:
    """The connection ended before the answer was whole."""
    message = "The connection to the model server broke off before its answer was whole."
    return Faulted(cause=Cause.BROKEN_OFF, error=ApiError(message=message, type="server_error", code="broken_off"))


def too_large(limit_bytes: int) -> TooLarge:
    """The answer is over `limit_bytes`."""
    message = f"The model's answer is over {limit_bytes} bytes, the most that is kept: ask for a shorter one."
    return TooLarge(ApiError(message=message, type="invalid_request_error", code="result_too_large"))


def unsupported_endpoint() -> Rejected:
    """The record asks for something that no model server is asked."""
    message = f"Tasks can be of these endpoints: {', '.join(sorted(ENDPOINTS))}."
    return Rejected(
        error=ApiError(message=message, type="invalid_request_error", code="unsupported_endpoint", param="endpoint")
    )


def retry_after_seconds(headers: Mapping[str, str], *, now: float) -> float | None:
    """What `retry-after-ms` or `retry-after` asks for, as seconds or as a date; None where neither can be read."""
    for name, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        seconds = _number(headers.get(name), divisor)
        if seconds is not None:
            return seconds
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, date.timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return None


def _number(text: str | None, divisor: float) -> float | None:
    try:
        number = float(text or "") / divisor
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def parse_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object that `body` is, None where it is none that can stand in a result record."""
    try:
        # As deep as it will stand in the record: what parses alone may be too deep for the record's readers.
        wrapped = orjson.loads(b"[[%b]]" % body)
    except orjson.JSONDecodeError:
        return None
    # One value in each list, or the brackets of the body have closed ours.
    if len(wrapped) != 1 or len(wrapped[0]) != 1:
        return None
    content = wrapped[0][0]
    return content if isinstance(content, dict) else None


def _identifier(value: object) -> str | None:
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else None


def _small_object(value: object) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    try:
        # Deeper than can be written: no usage that anyone could read.
        small = len(orjson.dumps([[value]])) <= _MAX_USAGE_BYTES
    except orjson.JSONEncodeError:
        return None
    return value if small else None

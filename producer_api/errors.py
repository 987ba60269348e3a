"""Every error in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`. No message repeats a prompt."""

from collections.abc import Mapping

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from common.result import ApiError
from common.setting_names import variable_name
from common.store.scripts import StoreUnavailable
from producer_api.batch import MAX_PROMPT_LEVELS, PromptTooDeep, PromptTooLarge
from producer_api.budget import Overloaded
from producer_api.documentation import allowed_methods
from producer_api.following import TooManyFollowers
from producer_api.idempotency import KeyInUse, KeyReused
from producer_api.kafka_link import KafkaUnavailable
from producer_api.metrics import Metrics
from producer_api.operator.watch import TooManyViewers
from producer_api.tasks.endings import TooManyDeletions
from producer_api.tasks.lookup import StoreRebuilding

_RETRY_SECONDS = 2
_KEY_PARAM = "Idempotency-Key"

INVALID_REQUEST = "invalid_request_error"
SERVER_ERROR = "server_error"


class RefusedRequest(Exception):  # noqa: N818 - an answer, decided on at the edge
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        kind: str = INVALID_REQUEST,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = ApiError(message=message, type=kind, code=code, param=param)
        self.headers = dict(headers or {})


def invalid(message: str, *, param: str | None, code: str = "invalid_value") -> RefusedRequest:
    """A 400."""
    return RefusedRequest(400, message, code=code, param=param)


def over_limit(what: str, limit: int | str, setting: str, *, param: str | None, status: int = 400) -> RefusedRequest:
    """Something is larger than one of the API's limits: names the limit and its setting."""
    message = f"{what}: at most {limit} are allowed. The limit is {variable_name('api', setting)}."
    return RefusedRequest(status, message, code="limit_exceeded", param=param)


def error_answer(status: int, error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that carries `error`."""
    return Response(orjson.dumps({"error": error.as_json()}), status, headers, media_type="application/json")


def install_error_handlers(app: FastAPI, metrics: Metrics) -> None:
    """Give every exception that a request may raise its answer."""

    async def answer(request: Request, exception: Exception) -> Response:
        refused = _as_refused(request, exception)
        metrics.requests_refused.labels(refused.error.code or "none").inc()
        return error_answer(refused.status, refused.error, refused.headers)

    for kind in (
        RefusedRequest,
        HTTPException,
        RequestValidationError,
        PromptTooLarge,
        PromptTooDeep,
        KeyInUse,
        KeyReused,
        Overloaded,
        KafkaUnavailable,
        StoreUnavailable,
        StoreRebuilding,
        TooManyDeletions,
        TooManyFollowers,
        TooManyViewers,
    ):
        app.add_exception_handler(kind, answer)


def _as_refused(request: Request, exception: Exception) -> RefusedRequest:  # noqa: C901, PLR0911 - the whole table
    match exception:
        case RefusedRequest():
            return exception
        case HTTPException():
            return _from_framework(request, exception)
        case RequestValidationError():
            first = exception.errors()[0]
            return invalid(f"{first['msg']}.", param=".".join(str(part) for part in first["loc"][1:]) or None)
        case PromptTooLarge():
            what = f"The prompt has {exception.size} bytes as JSON"
            return over_limit(what, exception.limit, "max_prompt_bytes", param=f"prompts[{exception.index}]")
        case PromptTooDeep():
            param = f"prompts[{exception.index}]"
            return invalid(
                f"The prompt is nested too deeply: flatten it to {MAX_PROMPT_LEVELS} levels at most.", param=param
            )
        case KeyInUse() | KeyReused():
            return _conflicting(exception)
        case Overloaded():
            message = "This server holds as many unwritten prompts as it may. Send the request again in a moment."
            return _unavailable(message, "overloaded")
        case KafkaUnavailable():
            message = "No prompt was accepted: the queue is out of reach. Send the request again in a moment."
            return _unavailable(message, "queue_unavailable")
        case StoreUnavailable():
            message = "The store of tasks is out of reach. Send the request again in a moment."
            return _unavailable(message, "store_unavailable")
        case StoreRebuilding():
            message = "The store of tasks is being rebuilt, and does not know all of them yet. Ask again in a moment."
            return _unavailable(message, "store_rebuilding")
        case TooManyDeletions():
            message = "As many deletions as may wait for a worker do. Nothing was deleted; come again in a moment."
            return _unavailable(message, "overloaded")
        case TooManyFollowers() | TooManyViewers():
            message = "As many requests wait for news here as may. Send it again in a moment, or ask without waiting."
            return _unavailable(message, "overloaded")
    raise exception


def _conflicting(exception: KeyInUse | KeyReused) -> RefusedRequest:
    """A 409 that says which of the two it is also to clients that repeat every 409 by themselves, as OpenAI's does."""
    if isinstance(exception, KeyInUse):
        message = "A request with this Idempotency-Key is being written. Send it again in a moment for its answer."
        headers = {"retry-after": str(_RETRY_SECONDS), "x-should-retry": "true"}
        return RefusedRequest(409, message, code="idempotency_key_in_use", param=_KEY_PARAM, headers=headers)
    message = "This Idempotency-Key was sent with another request. Give each request a key of its own."
    headers = {"x-should-retry": "false"}
    return RefusedRequest(409, message, code="idempotency_key_reused", param=_KEY_PARAM, headers=headers)


def _unavailable(message: str, code: str) -> RefusedRequest:
    return RefusedRequest(503, message, code=code, headers={"retry-after": str(_RETRY_SECONDS)}, kind=SERVER_ERROR)


def _from_framework(request: Request, exception: HTTPException) -> RefusedRequest:
    if exception.status_code == 404:  # noqa: PLR2004 - HTTP's own number
        message = "There is no such URL here. GET /docs shows those that there are."
        return RefusedRequest(404, message, code="unknown_url")
    if exception.status_code == 405:  # noqa: PLR2004 - HTTP's own number
        headers = dict(exception.headers or {})
        headers["allow"] = ", ".join(allowed_methods(request.app, request.url.path)) or headers.get("Allow", "")
        message = f"This URL does not take that method. It takes {headers['allow']}."
        headers.pop("Allow", None)
        return RefusedRequest(405, message, code="method_not_allowed", headers=headers)
    return RefusedRequest(exception.status_code, "The request cannot be read.", code="bad_request")

"""Around every request: its id, its numbers, and an answer whatever happens."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
import uuid_utils
from starlette.requests import ClientDisconnect

from common.result import ApiError
from common.telemetry.log_context import log_context
from producer_api.errors import SERVER_ERROR, error_answer
from producer_api.metrics import Metrics
from producer_api.tracing import RequestTrace, RequestTraces

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

REQUEST_ID_HEADER = "x-request-id"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENT_LEFT = 499


class RequestBoundary:
    """ASGI middleware; everything that has no answer of its own becomes a 500 here."""

    def __init__(self, app: AsgiApp, metrics: Metrics, traces: RequestTraces | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._traces = traces
        self._log = structlog.get_logger(__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(uuid_utils.uuid4())
        trace = None if self._traces is None else self._traces.begin(scope, request_id)
        begun_at = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (REQUEST_ID_HEADER.encode(), request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        with log_context(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except ClientDisconnect:
                status = _CLIENT_LEFT
            except Exception:
                # The traceback is rendered without messages: one may quote a prompt.
                self._log.exception("request failed")
                if status:
                    raise
                await _internal_error()(scope, receive, send_with_id)
            finally:
                self._count(scope, status, time.perf_counter() - begun_at, trace)

    def _count(self, scope: Scope, status: int, seconds: float, trace: RequestTrace | None) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.http_requests.labels(route, method, f"{status // 100}xx").inc()
        self._metrics.http_seconds.labels(route, method).observe(seconds)
        if trace is not None:
            trace.ended(route, status)
        self._log.debug("request", route=route, method=method, status=status, seconds=round(seconds, 4))


def _internal_error() -> AsgiApp:
    message = f"The server failed on this request. Its {REQUEST_ID_HEADER} finds the reason in the server's log."
    return error_answer(500, ApiError(message=message, type=SERVER_ERROR, code="internal_error"))

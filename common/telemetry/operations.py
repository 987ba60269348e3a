"""The operations port: `/livez`, `/readyz`, `/metrics`, and nothing else."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from common.bounded_http import BoundedHttpProtocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# What hinders, one reason a line; nothing when all is well. Reasons name parts, never addresses or content.
Probe = Callable[[], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Operations:
    """An ASGI application that answers probes and scrapes.

    `liveness` is the process's own health only: a broker's outage must not restart the fleet.
    """

    liveness: Probe
    readiness: Probe
    registry: CollectorRegistry

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        status, content_type, body = await self._answer(scope["method"], scope["path"])
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, method: str, path: str) -> tuple[int, str, bytes]:
        if method not in {"GET", "HEAD"}:
            return 405, "text/plain", b"method not allowed\n"
        if path == "/livez":
            return _probed(await self.liveness())
        if path == "/readyz":
            return _probed(await self.readiness())
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self.registry)
        return 404, "text/plain", b"not found: this port has /livez, /readyz and /metrics\n"


def _probed(reasons: list[str]) -> tuple[int, str, bytes]:
    if reasons:
        return 503, "text/plain", "".join(f"{reason}\n" for reason in reasons).encode()
    return 200, "text/plain", b"ok\n"


class _Server(uvicorn.Server):
    """Leaves signals to the service whose port this is."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield


@asynccontextmanager
async def serving_operations(operations: Operations, *, host: str, port: int) -> AsyncIterator[int]:
    """Serve while the body runs; gives the port that was bound (0 asks for a free one).

    Raises:
        OSError: the address cannot be bound.
    """
    listener = socket.create_server((host, port), backlog=128)
    config = uvicorn.Config(
        operations,
        http=BoundedHttpProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="operations")
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        listener.close()

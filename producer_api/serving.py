"""uvicorn, run from code: it ends when it is told to, and leaves signals to the composition root."""

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn

from producer_api.boundary import AsgiApp
from producer_api.unreadable import HttpProtocol

_BACKLOG = 2048
# Longer than the usual load balancer keeps an idle connection: it, not we, should end one.
_KEEP_ALIVE_SECONDS = 75
# Longer than the longest answer takes that waits for nobody; to say why a wait was ended is one of them.
_GRACE_SECONDS = 15


def event_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The fastest event loop there is here, by uvicorn's own choice."""
    return uvicorn.Config(app="", log_config=None).get_loop_factory()


class Server(uvicorn.Server):
    """Takes no signals: the process may have more to end than this."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield


@contextlib.asynccontextmanager
async def serving_api(app: AsgiApp, *, host: str, port: int, drain_seconds: float = 0.0) -> AsyncIterator[int]:
    """Serve while the body runs, then finish the requests under way; gives the port that was bound.

    A request may wait for so many seconds after that.

    Raises:
        OSError: the address cannot be bound.
    """
    listener = _listener(host, port)
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(drain_seconds) + _GRACE_SECONDS,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="api")
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        listener.close()


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)

"""A view that is looked on at, as the answer to a request."""

import asyncio
from collections.abc import Callable

import structlog
from fastapi import Response
from starlette.types import Receive, Scope, Send

from common.bounded_http import ABORT
from producer_api.attendance import while_present
from producer_api.operator.watch import Look, Watch
from producer_api.tasks.event_response import EVENT_HEADERS

_STOPPING = b"retry: 1000\n: this API is stopping; connect again\n\n"


class WatchResponse(Response):
    """Sends the view, and each newer one, until the client leaves or the process ends."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        self._log = structlog.get_logger(__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream.

        Raises:
            TooManyViewers: before anything is sent.
        """
        await while_present(receive, self._serve(send, scope["extensions"][ABORT]["abort"]))

    async def _serve(self, send: Send, abort: Callable[[], None]) -> None:
        async with self._watch.looking() as look:
            try:
                await self._show(look, send)
            except TimeoutError:
                self._log.info("viewer dropped", reason="too_slow")
                abort()
                # Until the server has noticed, which ends this.
                await asyncio.get_running_loop().create_future()

    async def _show(self, look: Look, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(EVENT_HEADERS)})
        while (view := await look.next()) is not None:
            async with look.sending():
                await send({"type": "http.response.body", "body": view, "more_body": True})
        async with look.sending():
            await send({"type": "http.response.body", "body": _STOPPING})

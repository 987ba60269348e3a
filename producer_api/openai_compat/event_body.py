"""The body of an answer that is a stream of events; its head is held back until there is something to say."""

import asyncio
from collections.abc import Mapping

import orjson
from starlette.types import Scope, Send

from common.bounded_http import ABORT

KEEP_ALIVE = b": keep-alive\n\n"
_END_SECONDS = 30.0
_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    # Proxies would keep events back until there are many.
    "x-accel-buffering": "no",
}


class EventBody:
    """One such body, with `headers` beside those that every one has. `begun` says that its status is sent: 200."""

    def __init__(self, scope: Scope, send: Send, headers: Mapping[str, str]) -> None:
        self.begun = False
        self._abort = scope["extensions"][ABORT]["abort"]
        self._send = send
        self._headers = [(name.encode(), value.encode()) for name, value in {**_HEADERS, **headers}.items()]

    async def put(self, content: bytes) -> None:
        """Send some events, or comments."""
        if not self.begun:
            self.begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self, last: bytes = b"", *, seconds: float = _END_SECONDS) -> None:
        """Send what is last; a reader that does not take it within so many seconds is cut off."""
        try:
            async with asyncio.timeout(seconds):
                if last:
                    await self.put(last)
                await self._send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            self._abort()
            # Until the server has noticed, which ends this.
            await asyncio.get_running_loop().create_future()


def data_frame(content: object) -> bytes:
    """One event without a name."""
    return b"data: %b\n\n" % orjson.dumps(content)

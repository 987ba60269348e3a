"""The body of an answer that is a stream of events; its head is held back until there is something to say."""

import asyncio
from collections.abc import Mapping

import orjson
from starlette.types import Send

from producer_api.tasks.event_stream import TooSlow

KEEP_ALIVE = b": keep-alive\n\n"
_SEND_SECONDS = 30.0
_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    # Proxies would keep events back until there are many.
    "x-accel-buffering": "no",
}


class EventBody:
    """One such body, with `headers` beside those that every one has. `begun` says that its status is sent: 200."""

    def __init__(self, send: Send, headers: Mapping[str, str], *, send_seconds: float = _SEND_SECONDS) -> None:
        self.begun = False
        self._send = send
        self._headers = [(name.encode(), value.encode()) for name, value in {**_HEADERS, **headers}.items()]
        self._send_seconds = send_seconds

    async def put(self, content: bytes) -> None:
        """Send some events, or comments.

        Raises:
            TooSlow: the reader takes nothing for too long.
        """
        try:
            async with asyncio.timeout(self._send_seconds):
                if not self.begun:
                    self.begun = True
                    await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})
                await self._send({"type": "http.response.body", "body": content, "more_body": True})
        except TimeoutError:
            raise TooSlow from None

    async def end(self) -> None:
        """Say that this was all."""
        await self._send({"type": "http.response.body", "body": b""})


def data_frame(content: object) -> bytes:
    """One event without a name."""
    return b"data: %b\n\n" % orjson.dumps(content)

"""An event stream as the answer to a request."""

import asyncio
from collections.abc import Callable

import structlog
from fastapi import Response
from starlette.types import Receive, Scope, Send

from common.bounded_http import ABORT
from producer_api.attendance import while_present
from producer_api.following import Following
from producer_api.metrics import FollowingMetrics
from producer_api.settings import ApiSettings
from producer_api.tasks.event_stream import STOPPING, EventStream, dropped
from producer_api.tasks.listener import Listener, TooSlow
from producer_api.tasks.lookup import AnswerTooLarge
from producer_api.tasks.refusals import answer_too_large, no_such_task

EVENT_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Proxies would keep events back until there are many.
    (b"x-accel-buffering", b"no"),
)
# With the last send of a stream that is stopped no more than a second.
_LAST_WORD_SECONDS = 0.4

Abort = Callable[[], None]


class EventResponse(Response):
    """Sends one stream; with `must_exist`, a stream of no task at all is a 404."""

    def __init__(
        self,
        stream: EventStream,
        following: Following,
        metrics: FollowingMetrics,
        *,
        must_exist: bool,
        settings: ApiSettings,
    ) -> None:
        super().__init__()
        self._stream = stream
        self._following = following
        self._metrics = metrics
        self._must_exist = must_exist
        self._settings = settings
        self._log = structlog.get_logger(__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream to its end, or until the client leaves.

        Raises:
            RefusedRequest, TooManyFollowers, StoreRebuilding, StoreUnavailable: before anything is sent.
        """
        await while_present(receive, self._serve(send, scope["extensions"][ABORT]["abort"]))

    async def _serve(self, send: Send, abort: Abort) -> None:
        if self._stream.is_over:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        body = _Body(send)
        try:
            await self._follow(body)
        except TooSlow:
            await self._drop(body, "too_slow", abort)
        except AnswerTooLarge:
            if not body.begun:
                raise answer_too_large(self._settings.max_answer_bytes) from None
            await self._drop(body, "too_large", abort)

    async def _follow(self, body: "_Body") -> None:
        known = await self._stream.known()
        if self._must_exist and not known:
            raise no_such_task()
        listener = Listener()
        async with self._following.follow(known, listener):
            await self._stream.run(listener, body.put)
        if not self._stream.is_over:
            await body.put(STOPPING)
        await body.end()

    async def _drop(self, body: "_Body", reason: str, abort: Abort) -> None:
        """Say why, if the client reads that much; else it is cut off."""
        self._metrics.dropped.labels(reason).inc()
        self._log.info("follower dropped", reason=reason)
        try:
            async with asyncio.timeout(_LAST_WORD_SECONDS):
                await body.put(dropped(reason))
                await body.end()
        except TimeoutError:
            abort()
            # Until the server has noticed, which ends this.
            await asyncio.get_running_loop().create_future()


class _Body:
    """The body of an answer, begun with its first bytes."""

    def __init__(self, send: Send) -> None:
        self.begun = False
        self._send = send

    async def put(self, content: bytes) -> None:
        if not self.begun:
            self.begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": list(EVENT_HEADERS)})
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

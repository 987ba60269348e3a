"""The model behind one method.

The request's body goes out as it was accepted, the answer's bytes come back as they are, and one limit holds for the
whole call.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import orjson

from common.task import CHAT_COMPLETIONS
from consumer.llm.classification import (
    ENDPOINTS,
    broken_off,
    classify_answer,
    classify_error,
    timed_out,
    too_large,
    unreachable,
    unsupported_endpoint,
)
from consumer.llm.model_server import ModelServer
from consumer.llm.outcomes import CallOutcome, OnText
from consumer.llm.streamed_answer import STREAMED, read_streamed

_MAX_ERROR_BYTES = 64 * 1024
# Ours: the metadata is the client's, and who streams an answer is decided here.
_KEPT_HERE = frozenset({"metadata", "stream", "stream_options"})
_FIRST_SUCCESS, _FIRST_REDIRECT = 200, 300
_EVENT_STREAM = "text/event-stream"
# How a stream of events begins, and no JSON: some servers and proxies send one under another content type.
_EVENT_BEGINNINGS = (b"data:", b"event:", b":")
_BEGINNING_BYTES = max(len(beginning) for beginning in _EVENT_BEGINNINGS)
_MOST_BEGINNING_BYTES = 256

# The model never had the request.
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class ModelClient:
    """Calls the model once and says how that ended; no error of the model or the network is an exception here."""

    def __init__(self, server: ModelServer, *, default_model: str, max_answer_bytes: int) -> None:
        self._server = server
        self._default_model = default_model
        self._max_answer_bytes = max_answer_bytes

    async def call(
        self, endpoint: str, body: dict[str, Any], *, deadline_seconds: float, on_text: OnText | None = None
    ) -> CallOutcome:
        """Send `body` to `endpoint` ("/v1/…"); a cancelled call closes its connection.

        The default model is filled in where the body names none. With `on_text` a chat completion or a Response is
        streamed; what comes of it is the same as in one piece.
        """
        if endpoint not in ENDPOINTS:
            return unsupported_endpoint()
        if endpoint not in STREAMED:
            on_text = None
        try:
            async with asyncio.timeout(deadline_seconds):
                return await self._exchange(
                    endpoint, self._request(endpoint, body, streamed=on_text is not None), on_text
                )
        except TimeoutError:
            return timed_out(deadline_seconds)

    def _request(self, endpoint: str, body: dict[str, Any], *, streamed: bool) -> dict[str, Any]:
        sent = {name: value for name, value in body.items() if name not in _KEPT_HERE}
        if not sent.get("model"):
            sent["model"] = self._default_model
        if streamed:
            sent["stream"] = True
        if streamed and endpoint == CHAT_COMPLETIONS:
            options = body.get("stream_options")
            sent["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        return sent

    async def _exchange(self, endpoint: str, request: dict[str, Any], on_text: OnText | None) -> CallOutcome:
        try:
            async with self._server.post(endpoint, orjson.dumps(request)) as response:
                status = response.status
                if not _FIRST_SUCCESS <= status < _FIRST_REDIRECT:
                    error, _ = await _read(response.content.iter_any(), _MAX_ERROR_BYTES)
                    own_model = request["model"] == self._default_model
                    return classify_error(status, response.headers, error, now=time.time(), own_model=own_model)
                most_bytes, content = self._max_answer_bytes, response.content.iter_any()
                begun = b"" if on_text is None else await _beginning(content)
                async with aclosing(_going_on(begun, content)) as parts:
                    # A server that cannot stream answers in one piece.
                    if on_text is not None and (
                        response.content_type == _EVENT_STREAM or begun.lstrip().startswith(_EVENT_BEGINNINGS)
                    ):
                        return await read_streamed(
                            endpoint, status, response.headers, parts, on_text, most_bytes=most_bytes
                        )
                    answer, whole = await _read(parts, most_bytes)
        except _NEVER_SENT:
            return unreachable()
        except (aiohttp.ClientError, OSError):
            # Timeouts of the transport's own are among these; one of ours comes as a cancellation.
            return broken_off()
        return classify_answer(endpoint, status, answer) if whole else too_large(self._max_answer_bytes)


async def _beginning(content: AsyncIterator[bytes]) -> bytes:
    """As much of a body as tells a stream of events from anything else, behind a little white space."""
    begun = b""
    async for part in content:
        begun += part
        if len(begun.lstrip()) >= _BEGINNING_BYTES or len(begun) >= _MOST_BEGINNING_BYTES:
            break
    return begun


async def _going_on(begun: bytes, content: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """A body's parts, of which these have been read."""
    if begun:
        yield begun
    async for part in content:
        yield part


async def _read(parts: AsyncIterator[bytes], most_bytes: int) -> tuple[bytes, bool]:
    """The body up to a limit, and whether that is all of it."""
    read, size = [], 0
    async for part in parts:
        read.append(part)
        size += len(part)
        if size > most_bytes:
            return b"".join(read)[:most_bytes], False
    return b"".join(read), True

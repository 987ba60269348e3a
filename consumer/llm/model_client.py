"""The model behind one method. Nothing else imports the SDK.

The SDK brings keys, headers and pooling; its models, its retries and its time limits are not used: the request's body
goes out as it was accepted, the answer's bytes come back as they are, and one limit holds for the whole call.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import aiohttp
import httpx2
import openai
import orjson
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient

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
from consumer.llm.outcomes import CallOutcome, Faulted, TooLarge
from consumer.settings import LlmSettings

_CONNECT_TIMEOUT_SECONDS = 5.0
_MAX_ERROR_BYTES = 64 * 1024
_KEEP_ALIVE_SECONDS = 30.0
# Ours: the metadata is the client's, and an answer is not streamed.
_KEPT_HERE = frozenset({"metadata", "stream", "stream_options"})

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_TRANSPORT_ERRORS = (
    openai.APIConnectionError,
    httpx2.HTTPError,
    httpx2.StreamError,
    aiohttp.ClientError,
    OSError,
)


def create_openai_client(settings: LlmSettings, *, concurrency: int) -> AsyncOpenAI:
    """One client for the process; close it at the end."""
    limits = httpx2.Limits(
        max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=_KEEP_ALIVE_SECONDS
    )
    http_client = DefaultAioHttpClient(
        limits=limits,
        # Followed, a redirected POST would arrive as a GET.
        follow_redirects=False,
        event_hooks={"response": [_bound_error]},
    )
    # The SDK asks for a key even of those who need none; where there is none its header is left out of each call.
    key = "none" if settings.api_key is None else settings.api_key.get_secret_value()
    return AsyncOpenAI(
        api_key=key,
        base_url=settings.base_url,
        max_retries=0,
        timeout=openai.Timeout(None, connect=_CONNECT_TIMEOUT_SECONDS),
        http_client=http_client,
    )


class ModelClient:
    """Calls the model once and says how that ended; no error of the model or the network is an exception here."""

    def __init__(
        self, client: AsyncOpenAI, *, default_model: str, max_answer_bytes: int, send_key: bool = True
    ) -> None:
        self._client = client
        self._default_model = default_model
        self._max_answer_bytes = max_answer_bytes
        # A packed answer could unpack to a thousand times its size before its length is looked at.
        self._headers: dict[str, str | openai.Omit] = {"Accept-Encoding": "identity"}
        if not send_key:
            self._headers["Authorization"] = openai.omit

    async def call(self, endpoint: str, body: dict[str, Any], *, deadline_seconds: float) -> CallOutcome:
        """Send `body` to `endpoint` ("/v1/…"); a cancelled call closes its connection.

        The default model is filled in where the body names none.
        """
        if endpoint not in ENDPOINTS:
            return unsupported_endpoint()
        limit = asyncio.timeout(deadline_seconds)
        try:
            async with limit:
                return await self._exchange(endpoint, self._request(body))
        except TimeoutError:
            if limit.expired():
                return timed_out(deadline_seconds)
            return broken_off()

    def _request(self, body: dict[str, Any]) -> bytes:
        sent = {name: value for name, value in body.items() if name not in _KEPT_HERE}
        if not sent.get("model"):
            sent["model"] = self._default_model
        return orjson.dumps(sent)

    async def _exchange(self, endpoint: str, request: bytes) -> CallOutcome:
        try:
            opened = await self._client.post(
                endpoint.removeprefix("/v1"),
                content=request,
                cast_to=httpx2.Response,
                options={"headers": self._headers},
                # Left unread, so that we can stop reading at the limit.
                stream=True,
                stream_cls=AsyncStream[Any],
            )
            # The SDK gives the response itself where that is asked for, whatever its annotations say of streams.
            response = cast("httpx2.Response", opened)
            async with aclosing(response):
                answer = await self._read(response)
        except openai.APIStatusError as error:
            return classify_error(error.status_code, error.response.headers, error.response.content, now=time.time())
        except _TRANSPORT_ERRORS as error:
            return _transport_fault(error)
        if isinstance(answer, TooLarge):
            return answer
        return classify_answer(endpoint, response.status_code, answer)

    async def _read(self, response: httpx2.Response) -> bytes | TooLarge:
        parts, size = [], 0
        async with aclosing(response.aiter_bytes()) as stream:
            async for part in stream:
                size += len(part)
                if size > self._max_answer_bytes:
                    return too_large(self._max_answer_bytes)
                parts.append(part)
        return b"".join(parts)


def _transport_fault(error: BaseException) -> Faulted:
    """Whether the model can have had the request: the SDK's own errors do not tell, their causes do."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _NEVER_SENT):
            return unreachable()
        cause = cause.__cause__
    return broken_off()


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends at a limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._max_bytes
        async for part in self._stream:
            yield part[:left]
            left -= len(part)
            if left <= 0:
                return

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound_error(response: httpx2.Response) -> None:
    """The SDK reads an error's body whole, however long it is."""
    if not response.is_success and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream, _MAX_ERROR_BYTES)

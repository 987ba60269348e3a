"""An answer read as a stream: its text is told as it comes, and it ends as it would have in one piece."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from types import MappingProxyType

import aiohttp
import orjson

from common.task import CHAT_COMPLETIONS, RESPONSES
from consumer.llm.chat_stream import DONE, BadChunk, ChatStream, ModelGaveUp
from consumer.llm.classification import broken_off, classify_answer, classify_error, malformed, too_large, unreadable
from consumer.llm.outcomes import CallOutcome, OnText
from consumer.llm.response_stream import ResponseStream
from consumer.llm.sse import EventLines

_STREAMS: Mapping[str, type[ChatStream] | type[ResponseStream]] = MappingProxyType(
    {CHAT_COMPLETIONS: ChatStream, RESPONSES: ResponseStream}
)
# Whose answers can be streamed.
STREAMED = frozenset(_STREAMS)

# A server that says that it is done and leaves the stream open is not waited for.
_END_SECONDS = 1.0
_FIRST_ERROR, _SERVER_ERROR, _LAST_ERROR = 400, 500, 599


class _TooLong(Exception):  # noqa: N818 - a fact about a stream
    """The answer is larger than may be kept."""


async def read_streamed(
    endpoint: str, response: aiohttp.ClientResponse, on_text: OnText, *, most_bytes: int
) -> CallOutcome:
    """Read a 2xx answer of one of `STREAMED` that is a stream of events, and tell `on_text` of its text.

    Raises:
        aiohttp.ClientError, OSError: as reading does.
    """
    status, stream, data = response.status, _STREAMS[endpoint](), b""
    try:
        async with aclosing(_events(response, most_bytes)) as events:
            async for data in events:
                _take(stream, data, on_text, most_bytes)
    except _TooLong:
        return too_large(most_bytes)
    except BadChunk:
        # Another would be paid for too, and say the same.
        return unreadable(status) if stream.was_whole(data) else malformed(status, "an event of another kind")
    except ModelGaveUp as error:
        return _given_up(response, error)
    if not stream.is_whole:
        return broken_off()
    answer = stream.completion()
    return too_large(most_bytes) if len(answer) > most_bytes else classify_answer(endpoint, status, answer)


def _take(stream: ChatStream | ResponseStream, data: bytes, on_text: OnText, most_bytes: int) -> None:
    text = stream.take(data)
    if text:
        on_text(text, stream.tokens)
    if stream.size > most_bytes:
        raise _TooLong


def _given_up(response: aiohttp.ClientResponse, error: ModelGaveUp) -> CallOutcome:
    """What an error in the middle of a stream means: what it would have meant at the beginning."""
    code = error.content.get("code")
    status = code if isinstance(code, int) and _FIRST_ERROR <= code <= _LAST_ERROR else _SERVER_ERROR
    return classify_error(status, response.headers, orjson.dumps({"error": error.content}), now=time.time())


async def _events(response: aiohttp.ClientResponse, most_bytes: int) -> AsyncGenerator[bytes, None]:
    """The data of each event."""
    lines, is_done = EventLines(), False
    try:
        async with asyncio.timeout(None) as scope:
            async for part in response.content.iter_any():
                for data in lines.feed(part):
                    yield data
                    if data.strip() == DONE and not is_done:
                        is_done = True
                        scope.reschedule(asyncio.get_running_loop().time() + _END_SECONDS)
                if lines.waiting_bytes > most_bytes:
                    raise _TooLong
    except TimeoutError:
        if not is_done:
            raise
    for data in lines.end():
        yield data

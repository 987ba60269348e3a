"""An answer read as a stream: its text is told as it comes, and it ends as it would have in one piece."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from types import MappingProxyType

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
# What `classify_error` reads of an error.
_WORDS = ("code", "type", "param")
# Then others have their turn: what has come at once may be thousands of events.
_EVENTS_PER_TURN = 64


class _TooLong(Exception):  # noqa: N818 - a fact about a stream
    """The answer is larger than may be kept."""


class _BeyondMerging(Exception):  # noqa: N818 - a fact about a stream
    """What came whole cannot be put together, or not be written: it is nested too deeply."""


async def read_streamed(
    endpoint: str,
    status: int,
    headers: Mapping[str, str],
    parts: AsyncIterator[bytes],
    on_text: OnText,
    *,
    most_bytes: int,
) -> CallOutcome:
    """Read a 2xx answer of one of `STREAMED` that is a stream of events, and tell `on_text` of its text.

    Raises:
        aiohttp.ClientError, OSError: as reading `parts` does.
    """
    stream, data = _STREAMS[endpoint](), b""
    try:
        async with aclosing(_events(parts, most_bytes)) as events:
            async for data in events:
                _take(stream, data, on_text, most_bytes)
        if not stream.is_whole:
            return broken_off()
        answer = _completion(stream)
    except _TooLong:
        return too_large(most_bytes)
    except _BeyondMerging:
        return unreadable(status)
    except BadChunk:
        # Another would be paid for too, and say the same.
        return unreadable(status) if stream.was_whole(data) else malformed(status, "an event of another kind")
    except ModelGaveUp as error:
        return _given_up(headers, error)
    return too_large(most_bytes) if len(answer) > most_bytes else classify_answer(endpoint, status, answer)


def _take(stream: ChatStream | ResponseStream, data: bytes, on_text: OnText, most_bytes: int) -> None:
    try:
        text = stream.take(data)
    except BadChunk:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise _BeyondMerging from error
    if text:
        on_text(text, stream.tokens)
    if stream.size > most_bytes:
        raise _TooLong


def _completion(stream: ChatStream | ResponseStream) -> bytes:
    try:
        return stream.completion()
    except (TypeError, ValueError, RecursionError) as error:
        raise _BeyondMerging from error


def _given_up(headers: Mapping[str, str], error: ModelGaveUp) -> CallOutcome:
    """What an error in the middle of a stream means: what it would have meant at the beginning."""
    code = error.content.get("code")
    status = code if isinstance(code, int) and _FIRST_ERROR <= code <= _LAST_ERROR else _SERVER_ERROR
    try:
        body = orjson.dumps({"error": error.content})
    except orjson.JSONEncodeError:
        # Nested too deeply: its words count all the same.
        body = orjson.dumps({"error": {name: error.content.get(name) for name in _WORDS if _is_word(error, name)}})
    return classify_error(status, headers, body, now=time.time())


def _is_word(error: ModelGaveUp, name: str) -> bool:
    return isinstance(error.content.get(name), str | int)


async def _events(parts: AsyncIterator[bytes], most_bytes: int) -> AsyncGenerator[bytes, None]:
    """The data of each event."""
    lines, is_done, seen = EventLines(), False, 0
    try:
        async with asyncio.timeout(None) as scope:
            async for part in parts:
                for data in lines.feed(part):
                    yield data
                    seen += 1
                    if seen % _EVENTS_PER_TURN == 0:
                        await asyncio.sleep(0)
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

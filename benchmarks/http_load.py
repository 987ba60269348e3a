"""Requests over a fixed number of connections, each sent as soon as the one before is answered; no client library."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_STATUS = slice(9, 12)


@dataclass(slots=True)
class LoadResult:
    """What came back: answers by status, and how long each request took, in seconds."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)


class UnexpectedAnswer(RuntimeError):  # noqa: N818 - says what came
    """An answer of another status than the benchmark is about."""


def request_bytes(method: str, path: str, body: bytes = b"") -> bytes:
    """Return one HTTP request with a JSON body."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def load(port: int, requests: Iterator[bytes], *, connections: int, expect: int) -> LoadResult:
    """Send all requests and wait for all answers.

    Args:
        port: Of a server on loopback.
        requests: Whole HTTP requests.
        connections: How many are open, which is how many requests are under way.
        expect: The status that every answer has.

    Raises:
        UnexpectedAnswer: One had another.
        ConnectionError: The server closed a connection.
    """
    loop = asyncio.get_running_loop()
    result = LoadResult()
    began_at = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: _Connection(requests, result), "127.0.0.1", port)
        for _ in range(connections)
    ]
    try:
        await asyncio.gather(*(protocol.ended for _, protocol in opened))
    finally:
        for transport, _ in opened:
            transport.close()
    result.seconds = time.perf_counter() - began_at
    if set(result.statuses) - {expect}:
        raise UnexpectedAnswer(f"expected {expect} alone: {dict(result.statuses)}")
    return result


class _Connection(asyncio.Protocol):
    def __init__(
        self, requests: Iterator[bytes], result: LoadResult, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._result = result
        self._clock = clock
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head_end = self._buffer.find(_HEAD_END)
        if head_end < 0:
            return
        found = _LENGTH.search(self._buffer, 0, head_end)
        length = int(found[1]) if found else 0
        if len(self._buffer) < head_end + len(_HEAD_END) + length:
            return
        self._result.statuses[int(self._buffer[_STATUS])] += 1
        self._result.latencies.append(self._clock() - self._sent_at)
        self._buffer = b""
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None or self._transport is None:
            if not self.ended.done():
                self.ended.set_result(None)
            return
        self._sent_at = self._clock()
        self._transport.write(request)

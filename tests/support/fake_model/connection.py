import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

import httptools
import orjson

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, read to its end. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Handler(Protocol):
    """Answers a request at once, or returns the coroutine that will."""

    def __call__(self, request: Request, exchange: "Exchange") -> Coroutine[Any, Any, None] | None: ...


class Exchange:
    """The answering half of one request. Exactly one way of ending it is called, once."""

    def __init__(self, transport: asyncio.Transport, *, keep_alive: bool) -> None:
        self._transport = transport
        self.keep_alive = keep_alive
        self.on_abandoned: Callable[[], None] | None = None
        """Called when the client went away before the answer was whole."""

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole JSON answer."""
        self._transport.write(self._head(status, headers, f"content-length: {len(body)}") + body)

    def answer_json(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        """Send ``body`` as JSON."""
        self.answer(status, orjson.dumps(body), headers)

    def start_events(self, headers: Mapping[str, str] | None = None) -> None:
        """Begin a stream of server-sent events."""
        head = {"content-type": "text/event-stream", **(headers or {})}
        self._transport.write(self._head(200, head, "transfer-encoding: chunked"))

    def send_event(self, data: bytes) -> None:
        """Send one event of a begun stream."""
        event = b"data: " + data + b"\n\n"
        self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))

    def end_events(self) -> None:
        """End a begun stream as it should."""
        self._transport.write(b"0\r\n\r\n")

    def cut_answer(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Promise ``body``, send half of it and close."""
        head = self._head(200, headers, f"content-length: {len(body)}")
        self._transport.write(head + body[: len(body) // 2])
        self.close()

    def close(self) -> None:
        """Close after what was written, which leaves a begun stream cut off."""
        self.keep_alive = False
        self._transport.close()

    def reset(self) -> None:
        """Drop the connection so that the client sees a reset."""
        self.keep_alive = False
        raw: socket.socket | None = self._transport.get_extra_info("socket")
        if raw is not None:
            # Lingering for zero seconds makes the kernel send RST rather than FIN.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _head(self, status: int, headers: Mapping[str, str] | None, framing: str) -> bytes:
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
        if headers is None or "content-type" not in headers:
            lines.append(f"content-type: {_JSON}")
        if headers:
            lines += [f"{name}: {value}" for name, value in headers.items()]
        if not self.keep_alive:
            lines.append("connection: close")
        lines.append(framing)
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Connection(asyncio.Protocol):
    """One client's connection: HTTP/1.1 with keep-alive, requests answered in their order.

    A client that goes away while its request is under way cancels the coroutine that answers it.
    """

    def __init__(self, handler: Handler, opened: "set[Connection]") -> None:
        self._handler = handler
        self._opened = opened
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._answering: asyncio.Task[None] | None = None
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._start_request()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Cast, not asserted: uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._opened.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            # Not the client's fault: an error of the handler, raised through the parser.
            self.drop()
            raise
        except httptools.HttpParserError as error:
            self._refuse(error)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._opened.discard(self)
        self._waiting.clear()
        self._transport = None
        if self._answering is not None:
            self._answering.cancel()

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._start_request()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=path,
            query=dict(parse_qsl(query)) if query else {},
            headers=self._headers,
            body=b"".join(self._body),
        )
        self._waiting.append((request, self._parser.should_keep_alive()))
        self._answer_next()

    def drop(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    async def ended(self) -> None:
        """Wait until nothing of this connection runs any more."""
        if self._answering is not None:
            await asyncio.wait({self._answering})

    def _start_request(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def _answer_next(self) -> None:
        while self._waiting and self._answering is None and self._transport is not None:
            request, keep_alive = self._waiting.popleft()
            exchange = Exchange(self._transport, keep_alive=keep_alive)
            pending = self._handler(request, exchange)
            if pending is None:
                self._after(exchange)
            else:
                self._answering = asyncio.ensure_future(pending)
                self._answering.add_done_callback(self._ended_callback(exchange))

    def _ended_callback(self, exchange: Exchange) -> Callable[[asyncio.Task[None]], None]:
        def ended(answering: asyncio.Task[None]) -> None:
            self._answering = None
            if answering.cancelled():
                if exchange.on_abandoned is not None:
                    exchange.on_abandoned()
                return
            error = answering.exception()
            if error is not None:
                self.drop()
                raise error
            self._after(exchange)
            self._answer_next()

        return ended

    def _after(self, exchange: Exchange) -> None:
        if not exchange.keep_alive and self._transport is not None:
            self._transport.close()

    def _refuse(self, error: httptools.HttpParserError) -> None:
        if self._transport is None:
            return
        exchange = Exchange(self._transport, keep_alive=False)
        exchange.answer_json(400, {"error": {"message": f"not HTTP: {error}", "type": "invalid_request_error"}})
        exchange.close()

"""HTTP whose heads are bounded, in bytes and in time, and refused in the server's own form; and so are its readers.

uvicorn bounds neither, and its parser adds each read to the header under way: an endless one takes time that grows with
the square of its length, all of it on the event loop.
"""

import asyncio
from array import array
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import Any, ClassVar, NamedTuple

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

# Room for a query of 1,000 ids twice over. What is no more than a read longer may pass, where it came in many reads.
MAX_HEAD_BYTES = 64 * 1024
# A client writes a head at once; a slow line carries 64 KB in this time at 53 kbit/s.
HEAD_SECONDS = 10.0

# Nothing of an answer that was given whole is taken for so long: its client is cut off, and the memory is free. A
# server that is to end has less time. What an application sends piece by piece it bounds itself.
UNTAKEN_SECONDS = 30.0
_UNTAKEN_AT_END_SECONDS = 0.5

# A connection closed on a client that still sends is reset, and the client never sees why: so much is read and dropped.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 16 << 20


# An extension of the scope: closes the connection at once, with what a client that does not read has not taken. uvicorn
# waits for such a client for ever.
ABORT = "promptmill.abort"


class Refusal(NamedTuple):
    """Why a request is refused before any application sees it."""

    status: int
    code: str
    message: str


UNREADABLE = Refusal(
    400,
    "bad_request",
    "This is not HTTP/1.1 that can be read. Check the method, the URL, and that there is either one Content-Length or "
    "Transfer-Encoding: chunked.",
)
HEAD_TOO_LARGE = Refusal(
    431,
    "limit_exceeded",
    f"The request's URL and headers are too large: at most {MAX_HEAD_BYTES} bytes are read.",
)
HEAD_TOO_SLOW = Refusal(408, "request_timeout", f"The request's headers took longer than {HEAD_SECONDS:g} seconds.")


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol within bounds. A refusal is answered where an answer is due, and ends the connection.

    A read that completes no head and brings no body counts as part of a head; so trailers and the frames of chunks are
    bounded alike.
    """

    head_seconds: ClassVar[float] = HEAD_SECONDS
    untaken_seconds: ClassVar[float] = UNTAKEN_SECONDS

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._progressed = False
        self._refused = False
        self._head_bytes = 0
        self._head_timeout: asyncio.TimerHandle | None = None
        # How many bytes of answers the transport had to keep when that was looked at last.
        self._untaken_bytes = 0
        self._patience = self.untaken_seconds
        self._untaken_look: asyncio.TimerHandle | None = None

    def form(self, refusal: Refusal) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """The headers and body that say it: plain text, where the server has no other form."""
        return [(b"content-type", b"text/plain; charset=utf-8")], f"{refusal.message}\n".encode()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn does; a connection that never sends anything is as idle as one between two requests."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn does; nothing is timed any more."""
        self._end_head()
        self._end_untaken()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what is not a whole head yet."""
        if len(data) > MAX_HEAD_BYTES:
            self._receive_in_parts(data)
            return
        self._progressed = False
        super().data_received(data)
        if not self._progressed:
            self._go_on_with_head(len(data))
        elif self._head_timeout is not None:
            self._end_head()

    def on_headers_complete(self) -> None:
        """The parser's word for a whole head."""
        self._progressed = True
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """The parser's word for a part of a body."""
        self._progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The parser's word for a whole request."""
        self._progressed = True
        super().on_message_complete()

    def resume_writing(self) -> None:
        """As uvicorn does; what is written from now on is another answer's."""
        self._untaken_bytes = 0
        super().resume_writing()

    def on_response_complete(self) -> None:
        """As uvicorn does; it waits without end for who does not take the answer."""
        self._await_taking()
        super().on_response_complete()

    def shutdown(self) -> None:
        """As uvicorn does; there is little time left from now on."""
        super().shutdown()
        self._patience = min(self._patience, _UNTAKEN_AT_END_SECONDS)
        self._end_untaken()
        self._await_taking()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words tell the client less than ours
        """Where the next request would begin is not known."""
        self._refuse(UNREADABLE)

    def _unsupported_upgrade_warning(self) -> None:
        """Answer as if nothing had been said of an upgrade; the parser, which stopped there, reads no other request."""
        self.cycle.keep_alive = False

    def _receive_in_parts(self, data: bytes) -> None:
        for first in range(0, len(data), MAX_HEAD_BYTES):
            if self._refused or self.transport.is_closing():
                return
            self.data_received(data[first : first + MAX_HEAD_BYTES])

    def _go_on_with_head(self, size: int) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._head_bytes += size
        if self._head_bytes >= MAX_HEAD_BYTES:
            self._refuse(HEAD_TOO_LARGE)
        elif self._head_timeout is None:
            self._head_timeout = self.loop.call_later(self.head_seconds, self._head_took_too_long)

    def _head_took_too_long(self) -> None:
        self._head_timeout = None
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            # The request under way is whole: its answer comes first, and then the connection is idle.
            return
        self._refuse(HEAD_TOO_SLOW)

    def _await_taking(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        if self._untaken_look is None and cycle is not None and cycle.response_complete:
            self._untaken_bytes = self._untaken()
            if self._untaken_bytes:
                self._untaken_look = self.loop.call_later(self._patience, self._look_at_untaken)

    def _look_at_untaken(self) -> None:
        before, self._untaken_bytes = self._untaken_bytes, self._untaken()
        if before and self._untaken_bytes == before:
            self.transport.abort()
            return
        # Fewer were taken; more were written, which is done only for who has taken some.
        self._untaken_look = None
        if self._untaken_bytes:
            self._untaken_look = self.loop.call_later(self._patience, self._look_at_untaken)

    def _untaken(self) -> int:
        """Bytes that the client's side has not taken, or few more; 0 where all were handed on.

        The kernel keeps megabytes, and asks for more when a good part of these is taken: who takes little at a time
        is told from who takes nothing by what is left there.
        """
        kept = self.transport.get_write_buffer_size()
        connection = self.transport.get_extra_info("socket")
        if not kept or connection is None or connection.fileno() < 0:
            return kept
        left = array("i", [0])
        ioctl(connection.fileno(), TIOCOUTQ, left)
        return kept + left[0]

    def _end_untaken(self) -> None:
        if self._untaken_look is not None:
            self._untaken_look.cancel()
            self._untaken_look = None

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_timeout is not None:
            self._head_timeout.cancel()
            self._head_timeout = None

    def _refuse(self, refusal: Refusal) -> None:
        self._refused = True
        self._end_head()
        if self.transport.is_closing():
            return
        if not self._is_answer_due():
            self.transport.close()
            return
        headers, body = self.form(refusal)
        headers = [
            *self.server_state.default_headers,
            *headers,
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join((STATUS_LINE[refusal.status], *lines, b"\r\n", body)))
        transport = self.transport
        # For uvicorn, and for the application where one waits for a body, this connection is over.
        self.connection_lost(ConnectionAbortedError())
        transport.set_protocol(_Lingering(transport, self.loop))
        transport.write_eof()

    def _is_answer_due(self) -> bool:
        """Whether the client takes what is written now for the answer to what is refused."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None:
            return True
        if cycle.scope is self.scope:
            return not cycle.response_started
        return cycle.response_complete


class _Lingering(asyncio.Protocol):
    """Drops what a refused client still sends, until it ends, or has sent or waited as much as may be."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._bytes = 0
        self._timeout = loop.call_later(_LINGER_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > _LINGER_BYTES:
            self._transport.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._timeout.cancel()

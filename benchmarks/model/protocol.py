"""HTTP/1.1 without a framework: the least that the clients of the benchmarks need, and as cheap as Python gets.

One request at a time on a connection, with a content-length.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import cast

from benchmarks.model.answers import json_answer, stamped_piece, stream_head, stream_pieces, whole_answer
from benchmarks.model.tally import Tally

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STREAM = re.compile(rb'"stream" ?: ?true')
_NUMBER = re.compile(rb"\[(\d+)\]")
_HEAD_END = b"\r\n\r\n"
_CALL = b"POST /v1/"

Control = Callable[[bytes, "ModelConnection"], None]


@dataclass(slots=True)
class Plan:
    """How the model answers: after `latency` seconds, a share `jitter` of it more or less, evenly drawn.

    Where `stamped`, the pieces of a stream say when they were written.
    """

    latency: float
    jitter: float
    stamped: bool = False

    def delay(self, random: Random) -> float:
        """Return how long the next answer takes, in seconds."""
        return self.latency * (1 + self.jitter * (2 * random.random() - 1))


class Model:
    """What all connections share."""

    def __init__(self, plan: Plan, tally: Tally, random: Random, control: Control) -> None:
        self.plan = plan
        self.tally = tally
        self.random = random
        self.control = control
        self.whole = whole_answer()
        self.head = stream_head()
        self.pieces = stream_pieces()
        self.loop = asyncio.get_running_loop()

    def connect(self) -> "ModelConnection":
        """Return the protocol of one more connection."""
        return ModelConnection(self)


class ModelConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None
        self._number: int | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; uvloop's is no subclass of asyncio's."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget a call under way."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._model.tally.abandon(self._number)

    def data_received(self, data: bytes) -> None:
        """Collect a request, and serve it when it is whole."""
        self._buffer = self._buffer + data if self._buffer else data
        head_end = self._buffer.find(_HEAD_END)
        if head_end < 0:
            return
        found = _LENGTH.search(self._buffer, 0, head_end)
        end = head_end + len(_HEAD_END) + (int(found[1]) if found else 0)
        if len(self._buffer) < end:
            return
        request, self._buffer = self._buffer[:end], self._buffer[end:]
        if request.startswith(_CALL):
            self._call(request, head_end)
        else:
            self._model.control(request, self)

    def write(self, data: bytes) -> None:
        """Send, if the client is still there."""
        if self._transport is not None:
            self._transport.write(data)

    def refuse(self, reason: str) -> None:
        """Answer 400."""
        self.write(json_answer({"error": {"message": reason}}, "400 Bad Request"))

    def _call(self, request: bytes, head_end: int) -> None:
        model = self._model
        begun_at = model.tally.begin()
        found = _NUMBER.search(request, head_end) if model.tally.keep_instants else None
        self._number = int(found[1]) if found else None
        delay = model.plan.delay(model.random)
        if _STREAM.search(request, head_end):
            self.write(model.head)
            self._stream(begun_at, delay / len(model.pieces), 0)
        elif delay > 0:
            self._timer = model.loop.call_later(delay, self._answer, begun_at)
        else:
            self._answer(begun_at)

    def _answer(self, begun_at: float) -> None:
        self._timer = None
        self.write(self._model.whole)
        self._model.tally.answer(begun_at, self._number)

    def _stream(self, begun_at: float, pause: float, sent: int) -> None:
        pieces = self._model.pieces
        if sent:
            is_stamped = self._model.plan.stamped and sent < len(pieces)
            self.write(stamped_piece(self._model.tally.now()) if is_stamped else pieces[sent - 1])
        if sent == len(pieces):
            self._timer = None
            self._model.tally.answer(begun_at, self._number)
        else:
            self._timer = self._model.loop.call_later(pause, self._stream, begun_at, pause, sent + 1)

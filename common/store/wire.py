"""One connection to Redis, shared by all: commands go out in the order asked, replies come back in that order.

Whatever is asked within one tick of the event loop goes out in one write, and many asks are answered by one read.
Redis answers a connection's commands one after the other: so a reply needs no name, only its place, and a caller that
has gone leaves its place in the line.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

from common.store.replies import INCOMPLETE, UnreadableReply, reply_reader

# How often a server is looked at within the time after which it is given up.
_LOOKS = 4
# So that a loop that was held up hears first what had come meanwhile.
_SECOND_LOOK_SECONDS = 0.01
_MOST_UNSENT_BYTES = 4 * 1024 * 1024


# Takes a message that was published: its channel and its content.
Heard = Callable[[bytes, bytes], None]
# Takes the seconds of a round trip.
Timed = Callable[[float], None]


class WireBroken(ConnectionError):  # noqa: N818 - names the state of the wire
    """The connection is lost; what was asked over it and not answered may have happened."""


class _Ask:
    """Commands of one caller: how many replies are its, those that came, and the caller's future."""

    __slots__ = ("answered", "count", "replies")

    def __init__(self, count: int, answered: asyncio.Future[list[Any]]) -> None:
        self.count = count
        self.answered = answered
        self.replies: list[Any] = []


class Wire(asyncio.Protocol):
    """The protocol of one connection. Broken once, it stays so.

    A server that gives no sign of life for `silence_seconds` while answers are due is taken for dead. More than
    `max_in_flight` commands are not to be in flight: callers wait for room. `broken` says why, once it is.
    One that subscribes to channels has a `heard` that takes what is published there. `timed` is told of round trips,
    from a write to the last of its replies: one at a time, so that it costs next to nothing.
    """

    def __init__(
        self, *, silence_seconds: float, max_in_flight: int, heard: Heard | None = None, timed: Timed | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._silence_seconds = silence_seconds
        self._max_in_flight = max_in_flight
        self._heard = heard
        self._timed = timed
        self._timed_ask: _Ask | None = None
        self._timed_since = 0.0
        self._reader = reply_reader()
        self._transport: asyncio.Transport
        self._asks: deque[_Ask] = deque()
        self._in_flight = 0
        self._unsent: list[bytes] = []
        self._held_up = False
        self._sent_bytes = 0
        self._drained_bytes: int | None = None
        self._heard_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._gone = asyncio.Event()
        self.broken: str | None = None

    @property
    def has_room(self) -> bool:
        """Whether another ask may go out now."""
        return self._in_flight < self._max_in_flight and not self._held_up

    async def room(self) -> None:
        """Wait until there is room for an ask, or the connection is broken."""
        while self.broken is None and not self.has_room:
            self._room.clear()
            await self._room.wait()

    def ask(self, commands: Sequence[bytes]) -> asyncio.Future[list[Any]]:
        """The replies-to-come to encoded commands, in order: bytes, int, None, list, or `ReplyError` as a value.

        Nobody's commands come between them. A caller that is cancelled loses its replies only.

        Raises:
            WireBroken: the connection was lost before all replies had come.
        """
        if self.broken is not None:
            raise WireBroken(self.broken)
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent += commands
        if not self._in_flight:
            self._heard_at = self._loop.time()
            if self._watch is None:
                self._watch = self._loop.call_later(self._silence_seconds / _LOOKS, self._look)
        self._in_flight += len(commands)
        ask = _Ask(len(commands), self._loop.create_future())
        self._asks.append(ask)
        return ask.answered

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self.broken is None:
            content = b"".join(unsent)
            self._sent_bytes += len(content)
            if self._timed is not None and self._timed_ask is None:
                self._timed_ask, self._timed_since = self._asks[-1], time.perf_counter()
            self._transport.write(content)

    def data_received(self, data: bytes) -> None:
        """Give replies to those whose turn it is."""
        if self.broken is not None:
            return
        self._heard_at = self._loop.time()
        asks, reader, heard = self._asks, self._reader, self._heard
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not INCOMPLETE:
                if heard is not None and type(reply) is list and reply[0] == b"message":
                    heard(reply[1], reply[2])
                    continue
                if not asks:
                    self.abort("an answer to nothing")
                    return
                ask = asks[0]
                ask.replies.append(reply)
                if len(ask.replies) == ask.count:
                    asks.popleft()
                    self._in_flight -= ask.count
                    if not ask.answered.done():
                        ask.answered.set_result(ask.replies)
                    if ask is self._timed_ask:
                        self._note_round_trip()
        except UnreadableReply:
            self.abort("an answer that cannot be read")
            return
        if self.has_room:
            self._room.set()

    def _note_round_trip(self) -> None:
        self._timed_ask = None
        if self._timed is not None:
            self._timed(time.perf_counter() - self._timed_since)

    def _look(self) -> None:
        """Is the server silent? It is not while bytes that it did not take before get through to it."""
        self._watch = None
        if not self._in_flight:
            return
        unsent = self._transport.get_write_buffer_size()
        drained = self._sent_bytes - unsent
        if self._drained_bytes is not None and drained > self._drained_bytes:
            self._heard_at = self._loop.time()
        self._drained_bytes = drained if unsent else None
        now, due = self._loop.time(), self._heard_at + self._silence_seconds
        if now < due:
            self._watch = self._loop.call_at(min(due, now + self._silence_seconds / _LOOKS), self._look)
        else:
            self._watch = self._loop.call_later(_SECOND_LOOK_SECONDS, self._give_up, self._heard_at)

    def _give_up(self, heard_at: float) -> None:
        self._watch = None
        if self._heard_at == heard_at:
            self.abort("silence")
        else:
            self._look()

    def abort(self, reason: str) -> None:
        """Cut the connection at once; all that was asked and not answered fails."""
        if self.broken is not None:
            return
        self.broken = reason
        self._transport.abort()
        if self._watch is not None:
            self._watch.cancel()
        while self._asks:
            answered = self._asks.popleft().answered
            if not answered.done():
                answered.set_exception(WireBroken(reason))
        self._in_flight = 0
        self._room.set()

    async def close(self) -> None:
        """Cut the connection and wait until it is gone."""
        self.abort("closed")
        await self.gone()

    async def gone(self) -> None:
        """Wait until the connection is gone."""
        await self._gone.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's is no subclass of it.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_MOST_UNSENT_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """End: the other side closed the connection, or it was cut."""
        self.abort("cut off" if exc is None else type(exc).__name__)
        self._gone.set()

    def pause_writing(self) -> None:
        """The server takes bytes more slowly than they come."""
        self._held_up = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._held_up = False
        if self.has_room:
            self._room.set()

"""A process's way to a real Valkey: what its link asks for, sent by a socket that blocks.

So no socket decides the order of events. Each request is carried out in one piece, between two turns of the process's
loop, and may fail as the network lets it fail. Valkey's clock is the simulation's: the lines of the scripts that read
TIME read an argument instead.
"""

import asyncio
import hashlib
import socket
from collections.abc import Callable, Sequence
from typing import Any, cast

import redis

from common.store.link import RedisLink
from common.store.replies import INCOMPLETE, reply_reader
from common.store.resp import encode_command
from common.store.wire import Wire, WireBroken
from tests.support.simulation.link import Link
from tests.support.simulation.process import Clock

_READS_TIME = b"local time = redis.call('TIME')\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
_READS_ARGUMENT = b"local now = tonumber(arg.simulated_now)\n"
# As in common.settings.
_ANSWER_SECONDS = 2.0
_UNKNOWN_SCRIPT = b"0" * 40
_MOST_BYTES = 65536


class SimulatedStore:
    """A real Valkey on the simulation's clock; `client` blocks."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.clock = Clock()
        # How many moves were made.
        self.moves = 0
        self._shas: dict[bytes, bytes] = {}
        address = client.connection_pool.connection_kwargs
        self._socket = socket.create_connection((address["host"], address["port"]))
        self._replies = reply_reader()

    def close(self) -> None:
        self._socket.close()

    def carry_out(self, commands: Sequence[bytes]) -> list[Any]:
        """The replies to encoded commands, in order; errors are among them."""
        parser = reply_reader()
        parser.feed(b"".join(commands))
        return [self._carry_out(parser.gets()) for _ in commands]

    def _carry_out(self, command: list[bytes]) -> Any:
        match command:
            case [b"SCRIPT", b"LOAD", source]:
                return self._load(source)
            case [b"EVALSHA", sha, *rest]:
                self.moves += 1
                now = round(self.clock.wall() * 1000)
                return self._reply_to(b"EVALSHA", self._shas.get(sha, _UNKNOWN_SCRIPT), *rest, b"simulated_now", now)
        return self._reply_to(*command)

    def _load(self, source: bytes) -> bytes:
        """Load a script; its name is that of its source as the process has it."""
        if source.count(_READS_TIME) != 1:
            raise ValueError("the script reads the time in another way")
        name = hashlib.sha1(source, usedforsecurity=False).hexdigest().encode()
        self._shas[name] = self._reply_to("SCRIPT", "LOAD", source.replace(_READS_TIME, _READS_ARGUMENT))
        return name

    def _reply_to(self, *command: str | bytes | int) -> Any:
        self._socket.sendall(encode_command(*command))
        while (reply := self._replies.gets()) is INCOMPLETE:
            self._replies.feed(self._socket.recv(_MOST_BYTES))
        return reply


def store_link(store: SimulatedStore, link: Link, jitter: Callable[[], float]) -> RedisLink:
    """The link of one process; its connections break as `link` has it."""

    async def connect() -> Wire:
        if not link.is_up:
            raise WireBroken("no way")
        return cast("Wire", _SimulatedWire(store, link))

    return RedisLink(connect, jitter=jitter)


class _SimulatedWire:
    """Stands for a connection. Requests on it may overtake each other, as on none that is real."""

    has_room = True

    def __init__(self, store: SimulatedStore, link: Link) -> None:
        self.broken: str | None = None
        self._store = store
        self._link = link

    def ask(self, commands: Sequence[bytes]) -> asyncio.Future[list[Any]]:
        return asyncio.ensure_future(self._answered(commands))

    async def _answered(self, commands: Sequence[bytes]) -> list[Any]:
        # Given up by its sender it is still on its way.
        under_way = asyncio.create_task(self._carry(commands))
        under_way.add_done_callback(_heard)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await asyncio.shield(under_way)
        except TimeoutError:
            self.broken = "silence"
        except WireBroken as error:
            self.broken = str(error)
        raise WireBroken(self.broken)

    async def _carry(self, commands: Sequence[bytes]) -> list[Any]:
        await self._link.arrived()
        if not self._link.is_up:
            # The connection broke with the request in it.
            raise WireBroken("no way")
        replies = self._store.carry_out(commands)
        await self._link.answered()
        return replies


def _heard(under_way: asyncio.Task[Any]) -> None:
    """Whoever waited may have given up: what became of the request is nobody's surprise then."""
    if not under_way.cancelled():
        under_way.exception()

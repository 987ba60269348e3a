"""How a process speaks to Redis: over one connection at a time, made anew whenever it is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from common.store.resp import ReplyError, encode_command
from common.store.wire import Wire, WireBroken

_MOST_REPEATS = 2
_BASE_SECONDS, _CAP_SECONDS = 0.05, 0.5

# What is wrong with a command itself. Every other refusal is of Redis's state or its operator's making, and passes with
# it: it loads its data, is a replica or has too few, is out of memory or disk, in somebody's script, does not know us.
_OF_THE_COMMAND = frozenset({"ERR", "WRONGTYPE", "NOSCRIPT", "CROSSSLOT"})
_TOO_MANY_CLIENTS = "ERR max number of clients reached"


class StoreUnavailable(RuntimeError):  # noqa: N818 - names the state of the store
    """Redis cannot be reached, or takes no writes now: try again later."""


class RedisLink:
    """Commands of all coroutines over one connection, which the first of them makes.

    A command whose answer was lost is sent again, twice at most: every write must be a compare-and-set, or be the same
    when done twice. `connect` makes a connection, in bounded time, or raises OSError; `jitter` gives numbers in [0, 1).
    """

    def __init__(self, connect: Callable[[], Awaitable[Wire]], *, jitter: Callable[[], float]) -> None:
        self._connect = connect
        self._jitter = jitter
        self._wire: Wire | None = None
        self._connecting: asyncio.Task[Wire] | None = None
        self._closed = False
        self._connections = 0

    @property
    def connections(self) -> int:
        """How many were made so far. Behind another one may stand another Redis, or the same with older data."""
        return self._connections

    async def ask(self, commands: Sequence[bytes], *, connection: int | None = None) -> list[Any]:
        """The replies to encoded commands, in order, in one round trip; what Redis refused is a `ReplyError` in it.

        With `connection` they are sent over the connection of that number, and over no later one.

        Raises:
            StoreUnavailable: Redis is out of reach; some of the commands may have happened.
        """
        repeats = 0
        while True:
            try:
                wire = self._wire
                if wire is None or wire.broken is not None:
                    wire = await self._connected()
                if connection is not None and connection != self._connections:
                    raise StoreUnavailable("the connection to Redis is another one")
                if not wire.has_room:
                    await wire.room()
                return await wire.ask(commands)
            except OSError as error:
                repeats += 1
                if repeats > _MOST_REPEATS:
                    raise StoreUnavailable(f"Redis is out of reach: {_reason(error)}") from error
            await asyncio.sleep(self._jitter() * min(_CAP_SECONDS, _BASE_SECONDS * 2**repeats))

    async def execute(self, *arguments: str | float | bytes) -> Any:
        """The reply to one command.

        Raises:
            StoreUnavailable: Redis is out of reach, or takes no commands now; it may have happened.
            ReplyError: Redis refused the command.
        """
        [reply] = granted(await self.ask([encode_command(*arguments)]))
        return reply

    async def transaction(self, *commands: Sequence[str | float | bytes]) -> list[Any]:
        """The replies to commands that happen together or not at all; raises as `execute` does."""
        wrapped = [encode_command("MULTI"), *(encode_command(*command) for command in commands), encode_command("EXEC")]
        # What cannot even be queued says why; EXEC then only says that something was.
        replies: list[Any] = granted(await self.ask(wrapped))[-1]
        return granted(replies)

    async def aclose(self) -> None:
        """Close the connection; whoever asks afterwards is told that Redis is out of reach."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        if self._wire is not None:
            await self._wire.close()

    async def _connected(self) -> Wire:
        """The connection, made once for all who come while it is being made."""
        if self._closed:
            raise StoreUnavailable("the connection to Redis was closed")
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._new_wire(), name="connect to redis")
            self._connecting.add_done_callback(_heard)
        return await asyncio.shield(self._connecting)

    async def _new_wire(self) -> Wire:
        try:
            self._wire = await self._connect()
            self._connections += 1
        except asyncio.CancelledError:
            # Of this alone: those who wait for the connection were not cancelled.
            raise WireBroken("closed") from None
        finally:
            self._connecting = None
        return self._wire


def granted(replies: list[Any]) -> list[Any]:
    """The replies, when there is none among them that Redis refused.

    Raises:
        StoreUnavailable: Redis takes no commands now.
        ReplyError: Redis refused a command.
    """
    for reply in replies:
        if isinstance(reply, ReplyError):
            if reply.code not in _OF_THE_COMMAND or str(reply) == _TOO_MANY_CLIENTS:
                raise StoreUnavailable(f"Redis takes no commands: {reply.code}") from reply
            raise reply
    return replies


def _reason(error: OSError) -> str:
    # A connection's own error names an address.
    return str(error) if isinstance(error, WireBroken) else type(error).__name__


def _heard(connecting: asyncio.Task[Wire]) -> None:
    """Whoever wanted the connection may be gone: why it failed is nobody's surprise then."""
    if not connecting.cancelled():
        connecting.exception()

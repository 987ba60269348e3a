"""Channels that a process hears over one connection, made anew whenever it is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import structlog

from common.store.link import StoreUnavailable, granted
from common.store.resp import ReplyError, encode_command
from common.store.wire import Heard, Wire

# How often a connection on which nothing is said is asked for a sign of life.
_QUIET_SECONDS = 5.0
_PER_ROUND_TRIP = 5_000
_BASE_SECONDS, _CAP_SECONDS = 0.05, 2.0
_PING = encode_command("PING")


class Listener(Protocol):
    """Who is told what is heard. Neither method may raise."""

    def heard(self, channel: bytes, content: bytes) -> None:
        """Take a message."""

    def missed(self) -> None:
        """Messages of any channel may have been lost: the connection was, and there is another now."""


class Subscription:
    """Any number of channels. `connect` makes a connection in bounded time or raises OSError; `jitter` is in [0, 1).

    `timeout_seconds` bounds how long anyone waits for a channel to be heard.
    """

    def __init__(
        self, connect: Callable[[Heard], Awaitable[Wire]], *, timeout_seconds: float, jitter: Callable[[], float]
    ) -> None:
        self._connect = connect
        self._timeout_seconds = timeout_seconds
        self._jitter = jitter
        self._channels: set[str] = set()
        self._wire: Wire | None = None
        self._connected = asyncio.Event()
        self._log = structlog.get_logger(__name__)

    @property
    def is_up(self) -> bool:
        """Whether there is a connection now."""
        return self._wire is not None

    async def run(self, listener: Listener) -> None:
        """Hear for `listener` until cancelled."""
        failures = 0
        while True:
            try:
                await self._listen(listener)
            except (OSError, StoreUnavailable, ReplyError) as error:
                failures = 1 if self.is_up else failures + 1
                say = self._log.warning if failures == 1 else self._log.debug
                say("does not hear of moves", reason=type(error).__name__)
            finally:
                await self._hang_up()
            await asyncio.sleep(self._jitter() * min(_CAP_SECONDS, _BASE_SECONDS * 2**failures))

    async def add(self, channels: Collection[str]) -> None:
        """Hear these too, those that are heard already included; what is published after the return is heard.

        Raises:
            StoreUnavailable: Redis is out of reach. They are to be removed all the same.
        """
        new = [channel for channel in channels if channel not in self._channels]
        self._channels.update(new)
        asked = [encode_command("SUBSCRIBE", channel) for channel in new] or [_PING]
        try:
            async with asyncio.timeout(self._timeout_seconds):
                while not await self._asked(asked):
                    pass
        except TimeoutError:
            raise StoreUnavailable("Redis takes no subscriptions") from None
        except ReplyError as error:
            raise StoreUnavailable(f"Redis takes no subscriptions: {error.code}") from error

    async def _asked(self, commands: list[bytes]) -> bool:
        """Whether the commands were answered by a connection that is up now, or came up meanwhile."""
        await self._connected.wait()
        wire = self._wire
        if wire is None:
            return False
        try:
            # In the order asked: whatever others asked for before is answered before.
            granted(await wire.ask(commands))
        except OSError:
            if self._wire is wire:
                self._connected.clear()
            return False
        return True

    def remove(self, channels: Collection[str]) -> None:
        """Hear these no more."""
        self._channels.difference_update(channels)
        if self._wire is not None and self._wire.broken is None:
            # Nobody waits for the answers; the wire reads them off.
            self._wire.ask([encode_command("UNSUBSCRIBE", channel) for channel in channels]).add_done_callback(_heard)

    async def _listen(self, listener: Listener) -> None:
        wire = self._wire = await self._connect(listener.heard)
        self._connected.set()
        wanted = list(self._channels)
        for first in range(0, len(wanted), _PER_ROUND_TRIP):
            some = wanted[first : first + _PER_ROUND_TRIP]
            granted(await wire.ask([encode_command("SUBSCRIBE", channel) for channel in some]))
        listener.missed()
        self._log.debug("hears of moves")
        while True:
            try:
                async with asyncio.timeout(_QUIET_SECONDS):
                    await wire.gone()
            except TimeoutError:
                granted(await wire.ask([_PING]))
            else:
                raise ConnectionError(wire.broken)

    async def _hang_up(self) -> None:
        self._connected.clear()
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()


def _heard(answered: asyncio.Future[list[object]]) -> None:
    """That the connection is lost is said elsewhere."""
    if not answered.cancelled():
        answered.exception()

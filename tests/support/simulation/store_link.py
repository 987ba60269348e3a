"""A process's way to a real Valkey: the commands that redis-py's asyncio client is asked for, sent by a blocking one.

So no socket decides the order of events. Each request is carried out in one piece, between two turns of the process's
loop, and may fail as the network lets it fail. Valkey's clock is the simulation's: the lines of the scripts that read
TIME read an argument instead.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import redis
from redis.exceptions import ConnectionError as RedisConnectionError, TimeoutError as RedisTimeoutError

from tests.support.simulation.link import Link
from tests.support.simulation.process import Clock

_READS_TIME = "local time = redis.call('TIME')\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
_READS_ARGUMENT = "local now = tonumber(arg.simulated_now)\n"
# As in common.connections: what one answer may take, and how often a request is made.
_ANSWER_SECONDS = 2.0
_TRIES = 3
_PAUSE_SECONDS = 0.05
_UNKNOWN_SCRIPT = "0" * 40

Command = tuple[str, tuple[Any, ...], dict[str, Any]]


class SimulatedStore:
    """A real Valkey on the simulation's clock; `client` blocks."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.clock = Clock()
        # How many moves were made.
        self.moves = 0
        self._shas: dict[str, str] = {}

    def load(self, source: str) -> str:
        """Load a script; its name is that of its source as the process has it.

        Raises:
            ValueError: it does not read the time as every script of ours does.
        """
        if source.count(_READS_TIME) != 1:
            raise ValueError("the script reads the time in another way")
        name = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        self._shas[name] = str(self.client.script_load(source.replace(_READS_TIME, _READS_ARGUMENT)))
        return name

    def carry_out(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, or the errors, of commands in a pipeline."""
        with self.client.pipeline(transaction=False) as pipeline:
            for name, arguments, options in commands:
                if name == "evalsha":
                    self.moves += 1
                    sha, *rest = arguments
                    now = round(self.clock.wall() * 1000)
                    pipeline.evalsha(self._shas.get(sha, _UNKNOWN_SCRIPT), *rest, "simulated_now", now)
                else:
                    getattr(pipeline, name)(*arguments, **options)
            return list(pipeline.execute(raise_on_error=False))


class StoreLink:
    """Stands for `redis.asyncio.Redis` in one process."""

    def __init__(self, store: SimulatedStore, link: Link) -> None:
        self._store = store
        self._link = link

    def pipeline(self, *, transaction: bool = True) -> "_Pipeline":  # noqa: ARG002 - every pipeline is in one piece
        return _Pipeline(self)

    async def script_load(self, source: str) -> str:
        return str(await self._request(lambda: self._store.load(source)))

    def __getattr__(self, name: str) -> Any:
        async def command(*arguments: Any, **options: Any) -> Any:
            [reply] = await self.execute([(name, arguments, options)])
            if isinstance(reply, Exception):
                raise reply
            return reply

        return command

    async def execute(self, commands: Sequence[Command]) -> list[Any]:
        replies: list[Any] = await self._request(lambda: self._store.carry_out(commands))
        return replies

    async def _request(self, carry_out: Callable[[], Any]) -> Any:
        failure: Exception = RedisConnectionError("no way")
        for _ in range(_TRIES):
            if self._link.is_up:
                # Given up by its sender it is still on its way.
                under_way = asyncio.create_task(self._carry(carry_out))
                under_way.add_done_callback(_heard)
                try:
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        return await asyncio.shield(under_way)
                except TimeoutError:
                    failure = RedisTimeoutError("no answer")
                except RedisConnectionError as error:
                    failure = error
            else:
                failure = RedisConnectionError("no way")
            await asyncio.sleep(_PAUSE_SECONDS)  # noqa: TID251 - of simulated time
        raise failure

    async def _carry(self, carry_out: Callable[[], Any]) -> Any:
        await self._link.arrived()
        if not self._link.is_up:
            # The connection broke with the request in it.
            raise RedisConnectionError("no way")
        reply = carry_out()
        await self._link.answered()
        return reply


class _Pipeline:
    def __init__(self, redis_link: StoreLink) -> None:
        self._redis_link = redis_link
        self._commands: list[Command] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._commands.clear()

    def __getattr__(self, name: str) -> Any:
        def command(*arguments: Any, **options: Any) -> "_Pipeline":
            self._commands.append((name, arguments, options))
            return self

        return command

    async def execute(self, *, raise_on_error: bool = True) -> list[Any]:
        replies = await self._redis_link.execute(list(self._commands))
        errors = [reply for reply in replies if isinstance(reply, Exception)]
        if errors and raise_on_error:
            raise errors[0]
        return replies


def _heard(under_way: asyncio.Task[Any]) -> None:
    """Whoever waited may have given up: what became of the request is nobody's surprise then."""
    if not under_way.cancelled():
        under_way.exception()

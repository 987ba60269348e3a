"""Running the Lua moves: many calls in one round trip, scripts loaded where Redis has forgotten them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from redis.asyncio import Redis
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError as RedisConnectionError,
    MaxConnectionsError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError as RedisTimeoutError,
)

from common.task import Task, to_millis

Reply = list[bytes | int]

OUT_OF_REACH = (
    BusyLoadingError,
    MaxConnectionsError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisConnectionError,
    RedisTimeoutError,
)


class StoreUnavailable(RuntimeError):  # noqa: N818 - names the state of the store
    """Redis cannot be reached, or takes no writes now: try again later."""


@dataclass(frozen=True, slots=True)
class Script:
    """A move's whole source and its SHA-1, by which Redis knows it."""

    source: str
    sha: str


def load_script(move: str, *, of_task: bool = True) -> Script:
    """The script of `move`: what all begin with, for a move of a task the prelude of those, and its own lines."""
    folder = files("common.store") / "lua"
    names = ("arguments", "prelude", move) if of_task else ("arguments", move)
    source = "\n".join((folder / f"{name}.lua").read_text(encoding="utf-8") for name in names)
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


class ScriptCall(NamedTuple):
    """One move: its keys (of a task: both of them) and named arguments, those that are `binary` apart.

    One value for all of them costs both sides less than a pair each.
    """

    script: Script
    keys: tuple[str, ...]
    arguments: Mapping[str, str | float]
    binary: Mapping[str, bytes] = MappingProxyType({})

    def as_command(self) -> list[Any]:
        """What follows EVALSHA: number of keys, the keys, the arguments as JSON, pairs of binary ones."""
        command: list[Any] = [self.script.sha, len(self.keys), *self.keys, orjson.dumps(self.arguments)]
        for name, value in self.binary.items():
            command += (name, value)
        return command


def identity(task: Task) -> dict[str, str | float]:
    """The arguments that every script needs to write a task it does not find."""
    return {
        "run": task.run,
        "tenant": task.tenant,
        "lane": task.lane,
        "created_at": to_millis(task.created_at),
        "expires_at": to_millis(task.expires_at),
    }


async def run_scripts(redis: Redis, calls: Sequence[ScriptCall]) -> list[Reply]:
    """The replies of all calls, in order, in one round trip (two when scripts had to be loaded).

    Raises:
        StoreUnavailable: Redis is out of reach; some of the calls may have happened.
    """
    if not calls:
        return []
    try:
        replies = await _evaluate(redis, calls)
        forgotten = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if forgotten:
            for source in {calls[index].script.source for index in forgotten}:
                await redis.script_load(source)
            again = await _evaluate(redis, [calls[index] for index in forgotten])
            for index, reply in zip(forgotten, again, strict=True):
                replies[index] = reply
    except OUT_OF_REACH as error:
        raise StoreUnavailable(f"Redis is out of reach: {type(error).__name__}") from error
    for reply in replies:
        if isinstance(reply, OUT_OF_REACH):
            raise StoreUnavailable(f"Redis takes no writes: {type(reply).__name__}") from reply
        if isinstance(reply, RedisError):
            raise reply
    return replies


def reply_word(reply: Reply) -> str:
    """The word that a script's reply begins with."""
    word = reply[0]
    if not isinstance(word, bytes):
        raise TypeError("a script's reply begins with a word")
    return word.decode()


async def _evaluate(redis: Redis, calls: Sequence[ScriptCall]) -> list[Any]:
    async with redis.pipeline(transaction=False) as pipeline:
        for call in calls:
            pipeline.evalsha(*call.as_command())
        return list(await pipeline.execute(raise_on_error=False))

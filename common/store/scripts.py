"""Running the Lua moves: many calls in one round trip, scripts loaded where Redis has forgotten them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from common.store.link import RedisLink, StoreUnavailable, granted
from common.store.resp import CommandTemplate, ReplyError, encode_command
from common.task import Task, to_millis

__all__ = [
    "Reply",
    "Script",
    "ScriptCall",
    "StoreUnavailable",
    "identity",
    "load_script",
    "reply_word",
    "run_scripts",
]

Reply = list[bytes | int]


@dataclass(frozen=True, slots=True)
class Script:
    """A move's whole source, and how it is called by its SHA-1, by which Redis knows it."""

    source: str
    call: CommandTemplate


def load_script(move: str, *, keys: int = 2, binary: int = 0, of_task: bool = True) -> Script:
    """The script of `move`: what all begin with, for a move of a task the prelude of those, and its own lines.

    It takes so many keys and so many binary arguments.
    """
    folder = files("common.store") / "lua"
    names = ("arguments", "prelude", move) if of_task else ("arguments", move)
    source = "\n".join((folder / f"{name}.lua").read_text(encoding="utf-8") for name in names)
    sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    return Script(source, CommandTemplate("EVALSHA", sha, keys, more=keys + 1 + 2 * binary))


class ScriptCall(NamedTuple):
    """One move: its keys (of a task: both of them) and named arguments, those that are `binary` apart.

    One value for all of them costs both sides less than a pair each.
    """

    script: Script
    keys: tuple[str, ...]
    arguments: Mapping[str, str | float]
    binary: Mapping[str, bytes] = MappingProxyType({})

    def encode(self) -> bytes:
        """EVALSHA with the keys, the arguments as JSON, pairs of name and bytes for the binary ones."""
        rest = [key.encode() for key in self.keys]
        rest.append(orjson.dumps(self.arguments))
        for name, value in self.binary.items():
            rest += (name.encode(), value)
        return self.script.call.encode(rest)


class EncodedCall(NamedTuple):
    """A move that is encoded already."""

    script: Script
    command: bytes

    def encode(self) -> bytes:
        """As it was given."""
        return self.command


def identity(task: Task) -> dict[str, str | float]:
    """The arguments that every script needs to write a task it does not find."""
    return {
        "run": task.run,
        "tenant": task.tenant,
        "lane": task.lane,
        "created_at": to_millis(task.created_at),
        "expires_at": to_millis(task.expires_at),
        **({} if task.model is None else {"model": task.model}),
    }


async def run_scripts(
    link: RedisLink,
    calls: Sequence[ScriptCall | EncodedCall],
    *,
    connection: int | None = None,
    behind: Sequence[bytes] = (),
) -> list[Reply]:
    """The replies of all calls, in order, in one round trip (two when scripts had to be loaded).

    With `connection` over the connection of that number alone. `behind` are further commands, encoded, that are sent
    behind the calls: safe to repeat, and of no interest but for Redis's refusal.

    Raises:
        StoreUnavailable: Redis is out of reach; some of the calls may have happened.
    """
    if not calls:
        return []
    asked = await link.ask([*(call.encode() for call in calls), *behind], connection=connection)
    replies = asked[: len(calls)]
    granted(asked[len(calls) :])
    forgotten = [index for index, reply in enumerate(replies) if _is_forgotten(reply)]
    if forgotten:
        sources = {calls[index].script.source for index in forgotten}
        loads = [encode_command("SCRIPT", "LOAD", source) for source in sources]
        repeated = [calls[index].encode() for index in forgotten]
        again = await link.ask([*loads, *repeated, *behind], connection=connection)
        granted(again[: len(loads)])
        granted(again[len(loads) + len(repeated) :])
        for index, reply in zip(forgotten, again[len(loads) : len(loads) + len(repeated)], strict=True):
            replies[index] = reply
    return granted(replies)


def _is_forgotten(reply: Any) -> bool:
    return isinstance(reply, ReplyError) and reply.code == "NOSCRIPT"


def reply_word(reply: Reply) -> str:
    """The word that a script's reply begins with."""
    word = reply[0]
    if not isinstance(word, bytes):
        raise TypeError("a script's reply begins with a word")
    return word.decode()

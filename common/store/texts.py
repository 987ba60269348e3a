"""The text of a streamed answer while it comes: in parts, each told as it is written, and kept for a while."""

from collections.abc import Iterable
from typing import NamedTuple

from common.store.keys import Keys
from common.store.link import RedisLink

# What is kept of one text beside its answer, and for how long after its last part.
MOST_PARTS, MOST_BYTES = 10_000, 1024 * 1024
TEXT_TTL_MS = 600_000
# As in stream.lua.
_ATTEMPTS_PER_RUN = 1_000_000
_LAST = 2**64 - 1


class Part(NamedTuple):
    """A part of an attempt's text: UTF-8 that begins after `start` bytes of it."""

    start: int
    content: bytes


class Texts:
    """Reads what is kept of texts."""

    def __init__(self, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def read(self, task_id: str, *, run: int, attempts: int, after: int) -> bytes:
        """What is known of the text of that attempt behind its first `after` bytes.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        attempt = run * _ATTEMPTS_PER_RUN + attempts
        entries = await self._link.execute(
            "XRANGE", self._keys.text(task_id), f"({attempt}-{after}", f"{attempt}-{_LAST}"
        )
        return joined(map(_part, entries), after=after)


def joined(parts: Iterable[Part], *, after: int) -> bytes:
    """The text behind its first `after` bytes as far as the parts go on from there without a gap. Pure."""
    text, end = [], after
    for part in parts:
        if part.start > end:
            break
        more = part.content[end - part.start :]
        text.append(more)
        end += len(more)
    return b"".join(text)


def _part(entry: list[bytes | list[bytes]]) -> Part:
    name, fields = entry
    if not isinstance(name, bytes) or not isinstance(fields, list):
        raise TypeError("no entry of a stream")
    content = fields[1]
    return Part(int(name.partition(b"-")[2]) - len(content), content)

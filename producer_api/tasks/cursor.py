"""How far a client has been told of the tasks it follows: the id of an event. Any replica reads it. Pure."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

_VERSION = 1
_ENDED, _UNKNOWN = 0, 1
# Milliseconds, bytes and counts; the store's own numbers are exact up to here.
_MOST = 2**53 - 1
_MOST_BITS = _MOST.bit_length()
_SEVEN_BITS, _MORE = 0x7F, 0x80


class Told(NamedTuple):
    """What a client was told of one task, last of all.

    `moved_at` is that of the move that it saw, 0 for none. Of the text of attempt `attempts` of `run` it has
    `text_bytes`, in UTF-8. `ended` says that it saw the task's end, and then nothing else is kept.
    """

    moved_at: int = 0
    run: int = 0
    attempts: int = 0
    text_bytes: int = 0
    ended: bool = False


NOTHING = Told()
EVERYTHING = Told(ended=True)


class Cursor:
    """Writes the ids of one stream's events, and reads those that an earlier stream of the same tasks wrote."""

    def __init__(self, task_ids: Sequence[str]) -> None:
        self._count = len(task_ids)
        self._head = bytes([_VERSION]) + crc32(",".join(task_ids).encode()).to_bytes(4, "big")
        # From one event to the next what was told of most tasks is the same.
        self._written: list[tuple[Told | None, bytes]] = [(None, b"")] * self._count

    def write(self, told: Sequence[Told]) -> str:
        """What was told of each task, in their order, as text without spaces."""
        written = self._written
        for place, one in enumerate(told):
            if written[place][0] is not one:
                written[place] = one, _encoded(one)
        content = b"".join([self._head, *[part for _, part in written]])
        return urlsafe_b64encode(content).rstrip(b"=").decode()

    def read(self, text: str) -> list[Told]:
        """What was told of each task.

        Raises:
            ValueError: this is no id of a stream of these tasks.
        """
        try:
            content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError) as error:
            raise ValueError("no event id") from error
        if not content.startswith(self._head):
            raise ValueError("of other tasks")
        numbers = _numbers(content[len(self._head) :])
        try:
            told = [_told(numbers) for _ in range(self._count)]
        except StopIteration:
            raise ValueError("cut short") from None
        if next(numbers, None) is not None:
            raise ValueError("too long")
        return told


def _told(numbers: Iterator[int]) -> Told:
    first = next(numbers)
    if first == _ENDED:
        return EVERYTHING
    if first == _UNKNOWN:
        return NOTHING
    return Told(first - 2, next(numbers), next(numbers), next(numbers))


def _encoded(told: Told) -> bytes:
    content = bytearray()
    if told.ended:
        _append(content, _ENDED)
    elif not told.moved_at:
        _append(content, _UNKNOWN)
    else:
        # 0 and 1 are taken.
        for number in (told.moved_at + 2, told.run, told.attempts, told.text_bytes):
            _append(content, number)
    return bytes(content)


def _append(content: bytearray, number: int) -> None:
    """Seven bits a byte, the least first; the eighth says that more follow."""
    while number > _SEVEN_BITS:
        content.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    content.append(number)


def _numbers(content: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in content:
        number |= (byte & _SEVEN_BITS) << shift
        shift += 7
        if number > _MOST or (byte & _MORE and shift >= _MOST_BITS):
            raise ValueError("a number out of bounds")
        if not byte & _MORE:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("cut short")

"""RESP 2, the protocol of Redis: commands as they go over the wire; an error that came as a reply."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_BULK = b"$%d\r\n%b\r\n"


class ReplyError(Exception):
    """What Redis answered to a command that it did not carry out; `code` is the first word of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.partition(" ")[0]


def encode_command(*arguments: str | float | bytes) -> bytes:
    """One command, its name first; numbers go as their decimal text."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        content = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(_BULK % (len(content), content))
    return b"".join(parts)


class Gap(NamedTuple):
    """A part of an argument that is filled in later: how `%` writes it, and its bytes, which are always as many."""

    form: bytes
    width: int


class CommandTemplate:
    """A command whose first arguments are always the same, encoded once."""

    def __init__(self, *first: str | float | bytes, more: int) -> None:
        length, _, encoded = encode_command(*first).partition(b"\r\n")
        count = int(length[1:]) + more
        # Twice the percent signs of what is text already.
        self._template = b"*%d\r\n" % count + encoded.replace(b"%", b"%%") + _BULK * more

    def encode(self, rest: Iterable[bytes]) -> bytes:
        """The command with the arguments that follow, as many as were said."""
        sized: list[int | bytes] = []
        for content in rest:
            # Twice as fast as adding both at once, and this is done for every command.
            sized.append(len(content))
            sized.append(content)
        return self._template % tuple(sized)

    def with_gaps(self, rest: Iterable[Sequence[bytes | Gap]]) -> bytes:
        """The command for `%` to fill in, many times: each argument that follows as its texts and gaps, in order."""
        sized: list[int | bytes] = []
        for parts in rest:
            sized.append(sum(part.width if isinstance(part, Gap) else len(part) for part in parts))
            forms = [part.form if isinstance(part, Gap) else part.replace(b"%", b"%%") for part in parts]
            sized.append(b"".join(forms))
        # Text that was doubled once is halved twice: here, and when the gaps are filled in.
        return self._template.replace(b"%%", b"%%%%") % tuple(sized)

"""Replies of RESP 2 out of what comes over the wire, in whatever pieces: by hiredis, in Python where there is none."""

from typing import Any, Final, Protocol

from common.store.resp import ReplyError

INCOMPLETE: Final = object()
_LINE_END = b"\r\n"


class UnreadableReply(ValueError):  # noqa: N818 - names the reply
    """What came is not RESP 2: there is no telling where the next reply begins."""


class ReplyReader(Protocol):
    """Takes bytes, gives replies: bytes, int, None, a list of replies, or a `ReplyError` as a value."""

    def feed(self, content: bytes, /) -> None:
        """Take the bytes that come next."""

    def gets(self) -> Any:
        """The next reply; INCOMPLETE while it has not come to its end.

        Raises:
            UnreadableReply: it never will.
        """


def reply_reader() -> ReplyReader:
    """A reader for one connection."""
    try:
        from hiredis import Reader  # noqa: PLC0415 - not every platform has it
    except ImportError:
        return PlainReader()
    reader: ReplyReader = Reader(protocolError=UnreadableReply, replyError=ReplyError, notEnoughData=INCOMPLETE)
    return reader


class _EndOfBytesError(Exception):
    """A reply goes on in bytes that have not come yet."""


class PlainReader:
    """A reader without hiredis; it takes ten times as long."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._at = 0

    def feed(self, content: bytes, /) -> None:
        """As `ReplyReader`."""
        del self._content[: self._at]
        self._at = 0
        self._content += content

    def gets(self) -> Any:
        """As `ReplyReader`."""
        began_at = self._at
        try:
            return self._reply()
        except _EndOfBytesError:
            self._at = began_at
            return INCOMPLETE
        except (ValueError, RecursionError) as error:
            self._at = began_at
            raise UnreadableReply(type(error).__name__) from None

    def _reply(self) -> Any:
        line = self._line()
        kind, rest = line[:1], line[1:]
        match kind:
            case b"+":
                return rest
            case b"-":
                return ReplyError(rest.decode(errors="replace"))
            case b":":
                return int(rest)
            case b"$":
                length = self._length(rest)
                return None if length is None else self._text(length)
            case b"*":
                length = self._length(rest)
                return None if length is None else [self._reply() for _ in range(length)]
        raise ValueError("a reply of no known kind")

    def _length(self, text: bytes) -> int | None:
        length = int(text)
        if length < -1:
            raise ValueError("a length below zero")
        return None if length == -1 else length

    def _line(self) -> bytes:
        end = self._content.find(_LINE_END, self._at)
        if end < 0:
            raise _EndOfBytesError
        line = bytes(self._content[self._at : end])
        self._at = end + len(_LINE_END)
        return line

    def _text(self, length: int) -> bytes:
        end = self._at + length
        if len(self._content) < end + len(_LINE_END):
            raise _EndOfBytesError
        if self._content[end : end + len(_LINE_END)] != _LINE_END:
            raise ValueError("a text that does not end where it says")
        text = bytes(self._content[self._at : end])
        self._at = end + len(_LINE_END)
        return text

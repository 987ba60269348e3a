"""Replies of RESP 2 out of what comes over the wire, in whatever pieces."""

from typing import Any, Final, Protocol

from hiredis import Reader

from common.store.resp import ReplyError

INCOMPLETE: Final = object()


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
    reader: ReplyReader = Reader(protocolError=UnreadableReply, replyError=ReplyError, notEnoughData=INCOMPLETE)
    return reader

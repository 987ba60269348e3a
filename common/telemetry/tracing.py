"""What the services know of traces: spans under way, and the header that carries them on. No library is behind this.

A trace is handed on as W3C's `traceparent`, in HTTP headers and in those of records alike. A service that exports no
traces has no tracer, and hands on what it was given.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Protocol

TRACEPARENT = "traceparent"

# W3C Trace Context, version 00; all zeroes are no id.
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

Attribute = str | bool | int | float | Sequence[str]
Attributes = Mapping[str, Attribute]


class Kind(Enum):
    """Which part a span has in an exchange."""

    SERVER = auto()
    CLIENT = auto()
    PRODUCER = auto()
    CONSUMER = auto()
    INTERNAL = auto()


class Span(Protocol):
    """Something that is done, from its beginning to its end. Times are Unix nanoseconds.

    Attributes are ids, sizes, and words and names of fixed sets: never a prompt, an answer or a key.
    """

    @property
    def traceparent(self) -> str:
        """What is handed on to those who go on with the trace."""

    @property
    def is_recorded(self) -> bool:
        """Whether anything of it is kept: by the sampling of its trace."""

    def add(self, attributes: Attributes) -> None:
        """Say more of it."""

    def name(self, name: str) -> None:
        """Name it anew."""

    def fail(self, error_type: str) -> None:
        """It failed by this: a word of a fixed set, or the name of an exception's class."""

    def end(self) -> None:
        """It has ended; one that never ends is not exported."""


class Tracer(Protocol):
    """Begins spans."""

    def start(
        self,
        name: str,
        kind: Kind,
        *,
        parent: str | None = None,
        link: str | None = None,
        began_ns: int | None = None,
        attributes: Attributes | None = None,
    ) -> Span:
        """A span that begins now, or began then. Without a `parent` it begins a trace; `link` names a related one.

        Both are a valid `traceparent`.
        """


def valid_traceparent(header: str | None) -> str | None:
    """The header as it came, or None where it is no `traceparent`."""
    return header if header is not None and _TRACEPARENT.fullmatch(header) else None


def traceparent_in(headers: Sequence[tuple[str, bytes]]) -> str | None:
    """The trace that a record belongs to, by its headers; None where they name none."""
    for name, content in headers:
        if name == TRACEPARENT:
            # Anybody may write to a topic.
            return valid_traceparent((content or b"").decode("ascii", "replace"))
    return None

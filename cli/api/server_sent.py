"""Server-sent events out of the bytes of a stream; pure."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event: its name, its data as text, and its id where it has one."""

    name: str
    data: str
    id: str | None = None


class EventParser:
    """Takes a stream in pieces of any size. Line ends are as our API writes them."""

    def __init__(self) -> None:
        self.retry_seconds: float | None = None
        self._rest: list[bytes] = []
        self._fields: dict[str, str] = {}

    def feed(self, content: bytes) -> Iterator[ServerSentEvent]:
        """The events that are whole with these bytes."""
        *lines, rest = content.split(b"\n")
        for line in lines:
            whole = b"".join([*self._rest, line])
            self._rest = []
            yield from self._line(whole)
        if rest:
            self._rest.append(rest)

    def _line(self, line: bytes) -> Iterator[ServerSentEvent]:
        if line:
            name, _, value = line.decode(errors="replace").partition(":")
            value = value.removeprefix(" ")
            if name == "retry" and value.isdecimal():
                self.retry_seconds = int(value) / 1000
            elif name:
                self._fields[name] = value
            return
        fields, self._fields = self._fields, {}
        if "data" in fields:
            yield ServerSentEvent(fields.get("event", "message"), fields["data"], fields.get("id"))

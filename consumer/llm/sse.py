"""Server-sent events out of a stream's bytes, in whatever pieces. Pure."""

from collections.abc import Iterator


class EventLines:
    """Gives the data of each event; names, ids and comments are passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    @property
    def waiting_bytes(self) -> int:
        """How much of a line that has not ended is kept."""
        return len(self._rest)

    def feed(self, content: bytes) -> Iterator[bytes]:
        """The data of every event that ends with these bytes."""
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            text = line.removesuffix(b"\r")
            if text.startswith(b"data:"):
                self._data.append(text[5:].removeprefix(b" "))
            elif not text and self._data:
                data, self._data = b"\n".join(self._data), []
                yield data

    def end(self) -> Iterator[bytes]:
        """The data of the event that the stream's end leaves unended: servers forget the last empty line."""
        yield from self.feed(b"\n\n")

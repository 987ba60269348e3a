"""Server-sent events out of a stream's bytes, in whatever pieces. Pure."""

from collections.abc import Iterator


class EventLines:
    """Gives the data of each event; names, ids and comments are passed over."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._data_bytes = 0

    @property
    def waiting_bytes(self) -> int:
        """How much is kept of an event that has not ended."""
        return len(self._rest) + self._data_bytes

    def feed(self, content: bytes) -> Iterator[bytes]:
        """The data of every event that ends with these bytes."""
        if b"\n" not in content:
            self._rest += content
            return
        *lines, rest = (bytes(self._rest) + content).split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            text = line.removesuffix(b"\r")
            if text.startswith(b"data:"):
                self._data.append(text[5:].removeprefix(b" "))
                self._data_bytes += len(text)
            elif not text and self._data:
                data, self._data, self._data_bytes = b"\n".join(self._data), [], 0
                yield data

    def end(self) -> Iterator[bytes]:
        """The data of the event that the stream's end leaves unended: servers forget the last empty line."""
        yield from self.feed(b"\n\n")

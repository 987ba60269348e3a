"""A bound on what one process holds at once: bytes and records, across all requests."""

from collections.abc import Iterator
from contextlib import contextmanager


class Overloaded(RuntimeError):  # noqa: N818 - names the state of the process
    """The process holds as much as it may: the same request can succeed a moment later."""


class Share:
    """A part of the budget that somebody holds; it grows, and is given back once."""

    def __init__(self, budget: "Budget") -> None:
        self._budget = budget
        self._bytes = 0
        self._records = 0

    def grow(self, *, size_bytes: int, records: int = 0) -> None:
        """Take more.

        Raises:
            Overloaded: there is not so much left; the share stays as it was.
        """
        self._budget.take(size_bytes, records)
        self._bytes += size_bytes
        self._records += records

    def release(self) -> None:
        """Give everything back; a second time gives nothing."""
        self._budget.give_back(self._bytes, self._records)
        self._bytes = self._records = 0


class Budget:
    """How many bytes and records may be held, and how many are."""

    def __init__(self, *, max_bytes: int, max_records: int) -> None:
        self._max_bytes = max_bytes
        self._max_records = max_records
        self.bytes_held = 0
        self.records_held = 0

    def take(self, size_bytes: int, records: int) -> None:
        """Count so much more as held.

        Raises:
            Overloaded: it would pass a bound; nothing is counted.
        """
        if self.bytes_held + size_bytes > self._max_bytes or self.records_held + records > self._max_records:
            raise Overloaded
        self.bytes_held += size_bytes
        self.records_held += records

    def give_back(self, size_bytes: int, records: int) -> None:
        """Count so much less as held."""
        self.bytes_held -= size_bytes
        self.records_held -= records

    def share(self) -> Share:
        """An empty share; its holder must release it."""
        return Share(self)

    @contextmanager
    def sharing(self) -> Iterator[Share]:
        """An empty share that is released at the end of the block."""
        share = self.share()
        try:
            yield share
        finally:
            share.release()

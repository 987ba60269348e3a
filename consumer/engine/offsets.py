"""Which offsets of a partition are finished, and how far it may be committed.

Only delivered offsets are tracked: nothing is assumed about which offsets exist (retention deletes heads, compaction
and transactions leave holes). What may be committed is the first unfinished delivered offset, or, when all are
finished, the one after the last.
"""

from collections import deque


class PartitionOffsets:
    """One partition's offsets during one uninterrupted assignment. `start` is the first offset to be delivered."""

    def __init__(self, start: int) -> None:
        self._next = start
        # Delivered and not yet part of the finished prefix, ascending.
        self._delivered: deque[int] = deque()
        # The finished ones among them.
        self._done: set[int] = set()
        self._committed = start
        self._last_finished = start - 1

    @property
    def next_offset(self) -> int:
        """The offset to be delivered next, where it exists: one after the last delivered."""
        return self._next

    @property
    def committable(self) -> int:
        """What may be committed now: every delivered offset below it is finished. It never decreases."""
        return self._delivered[0] if self._delivered else self._next

    @property
    def uncommitted(self) -> int | None:
        """`committable` where it says more than the last commit did, else None."""
        position = self.committable
        return position if position > self._committed else None

    @property
    def committed(self) -> int:
        """The last offset known to be committed; `start` before the first commit."""
        return self._committed

    @property
    def last_finished(self) -> int:
        """The highest finished offset, whatever before it is not; before `start` while there is none."""
        return self._last_finished

    @property
    def window(self) -> int:
        """How far delivery has run ahead of what may be committed, in offsets."""
        return self._next - self.committable

    def deliver(self, offset: int) -> bool:
        """Take note of a delivered offset; False for one that was delivered before."""
        if offset < self._next:
            return False
        self._delivered.append(offset)
        self._next = offset + 1
        return True

    def finish(self, offset: int) -> None:
        """A delivered offset is done; a second time changes nothing.

        Raises:
            ValueError: the offset was never delivered.
        """
        if offset >= self._next:
            raise ValueError(f"offset {offset} was not delivered: the next one is {self._next}")
        self._last_finished = max(self._last_finished, offset)
        if offset < self.committable:
            return
        self._done.add(offset)
        while self._delivered and self._delivered[0] in self._done:
            self._done.remove(self._delivered.popleft())

    def commit(self, offset: int) -> None:
        """The broker has `offset` as committed; an older one changes nothing."""
        self._committed = max(self._committed, offset)

"""Every record fetched and not yet finished: ready, in a slot, or waiting for its time. Counts and bytes, no I/O."""

import heapq
from collections.abc import Callable, Mapping
from itertools import count

from consumer.engine.fairness import WeightedLanes
from consumer.engine.partition import Partition, Work


class Backlog:
    """The records this worker holds. Times are of one monotonic clock, in seconds; `weights` is by topic."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        self._ready = WeightedLanes(weights)
        # Due time, order of entry, record.
        self._waiting: list[tuple[float, int, Work]] = []
        self._entries = count()
        # Records whose time has come are ready, yet held to the bounds of waiting ones until they start.
        self._matured: set[Work] = set()
        self._active_bytes = dict.fromkeys(weights, 0)
        self._buffered = 0
        self._waiting_count = 0

    @property
    def buffered(self) -> int:
        """Records ready for their first attempt."""
        return self._buffered

    @property
    def waiting(self) -> int:
        """Records that wait for another attempt, those whose time has come included."""
        return self._waiting_count

    @property
    def next_due(self) -> float | None:
        """When the next waiting record is due."""
        return self._waiting[0][0] if self._waiting else None

    def active_bytes(self, topic: str) -> int:
        """Bytes of a lane's records that are in a slot or ready for their first attempt."""
        return self._active_bytes[topic]

    def __bool__(self) -> bool:
        """Whether a record is ready to start."""
        return bool(self._ready)

    def add(self, work: Work) -> None:
        """A record was delivered."""
        self._buffered += 1
        work.partition.buffered += 1
        self._active_bytes[work.delivery.topic] += work.size_bytes
        self._ready.push(work)

    def start(self) -> Work | None:
        """The record whose turn it is, to be given to the handler; None where none is ready."""
        work = self._ready.pop()
        if work is None:
            return None
        if work in self._matured:
            self._matured.remove(work)
            self._uncount_waiting(work)
            self._active_bytes[work.delivery.topic] += work.size_bytes
        else:
            self._uncount_buffered(work)
        return work

    def wait(self, work: Work) -> None:
        """A started record is to be given to the handler again when it is `due`."""
        self._active_bytes[work.delivery.topic] -= work.size_bytes
        work.partition.waiting += 1
        work.partition.waiting_bytes += work.size_bytes
        self._waiting_count += 1
        heapq.heappush(self._waiting, (work.due, next(self._entries), work))

    def mature(self, now: float) -> int:
        """Make ready what is due; how many."""
        matured = 0
        while self._waiting and self._waiting[0][0] <= now:
            work = heapq.heappop(self._waiting)[2]
            self._matured.add(work)
            self._ready.push(work, retry=True)
            matured += 1
        return matured

    def reclaim(self, chosen: Callable[[Work], bool]) -> list[Work]:
        """Take back those of the waiting records that are chosen, as if they had just been started."""
        works = [entry[2] for entry in self._waiting if chosen(entry[2])]
        if works:
            taken = set(works)
            self._waiting = [entry for entry in self._waiting if entry[2] not in taken]
            heapq.heapify(self._waiting)
        for work in works:
            self._uncount_waiting(work)
            self._active_bytes[work.delivery.topic] += work.size_bytes
        return works

    def finish(self, work: Work) -> None:
        """A started record needs nothing more."""
        self._active_bytes[work.delivery.topic] -= work.size_bytes

    def drop(self, partition: Partition) -> int:
        """Forget a partition's records that are not in a slot; how many."""
        ready = self._ready.drop(partition)
        for work in ready:
            if work in self._matured:
                self._matured.remove(work)
                self._uncount_waiting(work)
            else:
                self._uncount_buffered(work)
                self._active_bytes[work.delivery.topic] -= work.size_bytes
        waiting = [entry[2] for entry in self._waiting if entry[2].partition is partition]
        for work in waiting:
            self._uncount_waiting(work)
        self._waiting = [entry for entry in self._waiting if entry[2].partition is not partition]
        heapq.heapify(self._waiting)
        return len(ready) + len(waiting)

    def _uncount_buffered(self, work: Work) -> None:
        self._buffered -= 1
        work.partition.buffered -= 1

    def _uncount_waiting(self, work: Work) -> None:
        self._waiting_count -= 1
        work.partition.waiting -= 1
        work.partition.waiting_bytes -= work.size_bytes

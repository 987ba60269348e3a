"""Which partition each prompt of a request goes to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, groupby, islice

# A request of this many prompts per partition or more is bulk: runs make larger batches on the wire.
_BULK_PER_PARTITION = 4


def spread(count: int, *, partitions: int, start: int) -> list[int]:
    """The partitions of `count` prompts, in order, the first at `start`.

    Neighbours go to consecutive partitions, so that they run on different workers; in bulk, runs of neighbours do.
    Either way no partition gets more than one prompt above another.
    """
    order = list(islice(cycle(range(partitions)), start, start + min(count, partitions)))
    if count <= _BULK_PER_PARTITION * partitions:
        return list(islice(cycle(order), count))
    return [order[index * partitions // count] for index in range(count)]


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours that go to one partition: from index `first` to before `end`."""

    partition: int
    first: int
    end: int

    def __len__(self) -> int:
        return self.end - self.first

    def halves(self) -> tuple["Run", "Run"]:
        """The run as two, of two neighbours or more."""
        middle = (self.first + self.end) // 2
        return replace(self, end=middle), replace(self, first=middle)


def runs_of(partitions: Sequence[int]) -> list[Run]:
    """The runs that a request's partitions, given in the prompts' order, consist of."""
    runs, first = [], 0
    for partition, same in groupby(partitions):
        end = first + sum(1 for _ in same)
        runs.append(Run(partition, first, end))
        first = end
    return runs


class PartitionCursor:
    """Goes on from request to request, so that small requests fill all partitions alike.

    `start` is where the first prompt goes: random, or many API processes would all begin at one partition.
    """

    def __init__(self, start: int) -> None:
        self._next = start

    def take(self, count: int, *, partitions: int) -> list[int]:
        """The partitions of the next `count` prompts; `partitions` may have grown since the last request."""
        start = self._next % partitions
        self._next = start + count
        return spread(count, partitions=partitions, start=start)

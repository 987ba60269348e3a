"""Which partition each prompt of a request goes to."""

from itertools import cycle, islice

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

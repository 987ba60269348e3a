"""Who is next: lanes by weight, partitions in turn, retries and first attempts one after the other."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from consumer.engine.partition import Partition, Work


@dataclass(slots=True)
class _PartitionQueue:
    first: deque[Work] = field(default_factory=deque)
    retries: deque[Work] = field(default_factory=deque)
    retry_next: bool = True

    def pop(self) -> Work:
        """Alternate where both kinds are ready, so that neither keeps the other from its turn."""
        retry = bool(self.retries) and (self.retry_next or not self.first)
        self.retry_next = not retry
        return (self.retries if retry else self.first).popleft()

    def __len__(self) -> int:
        return len(self.first) + len(self.retries)


class LaneQueue:
    """The ready records of one topic: each partition gives one, then goes behind the others."""

    def __init__(self) -> None:
        self._turns: OrderedDict[Partition, _PartitionQueue] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._turns)

    def push(self, work: Work, *, retry: bool) -> None:
        """Put a record behind the others of its partition."""
        queue = self._turns.get(work.partition)
        if queue is None:
            queue = self._turns[work.partition] = _PartitionQueue()
        (queue.retries if retry else queue.first).append(work)

    def pop(self) -> Work:
        """The next record.

        Raises:
            KeyError: there is none.
        """
        partition, queue = self._turns.popitem(last=False)
        work = queue.pop()
        if queue:
            self._turns[partition] = queue
        return work

    def drop(self, partition: Partition) -> list[Work]:
        """Take out all records of a partition."""
        queue = self._turns.pop(partition, None)
        return [] if queue is None else [*queue.first, *queue.retries]


class WeightedLanes:
    """Ready records of all lanes. While several have some, they are served in the ratio of their weights, interleaved.

    `weights` is by topic; of equal claims the first named goes first. A lane that had nothing ready saves nothing up.
    """

    def __init__(self, weights: Mapping[str, int]) -> None:
        self._weights = dict(weights)
        self._lanes = {topic: LaneQueue() for topic in weights}
        self._credit = dict.fromkeys(weights, 0)

    def __bool__(self) -> bool:
        return any(self._lanes.values())

    def push(self, work: Work, *, retry: bool = False) -> None:
        """Make a record ready."""
        self._lanes[work.delivery.topic].push(work, retry=retry)

    def pop(self) -> Work | None:
        """The record whose turn it is, or None."""
        ready = [topic for topic, lane in self._lanes.items() if lane]
        if not ready:
            return None
        if len(ready) == 1:
            self._credit = dict.fromkeys(self._credit, 0) | {ready[0]: self._credit[ready[0]]}
            return self._lanes[ready[0]].pop()
        for topic in self._credit:
            self._credit[topic] = self._credit[topic] + self._weights[topic] if topic in ready else 0
        chosen = max(ready, key=self._credit.__getitem__)
        self._credit[chosen] -= sum(self._weights[topic] for topic in ready)
        return self._lanes[chosen].pop()

    def drop(self, partition: Partition) -> list[Work]:
        """Take out all records of a partition."""
        return self._lanes[partition.topic].drop(partition)

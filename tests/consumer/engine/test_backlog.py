import random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from consumer.engine.backlog import Backlog
from consumer.engine.partition import Partition, Work
from tests.consumer.engine.records import work

WEIGHTS = {"interactive": 4, "batch": 1}


class BacklogAgainstAModel(RuleBasedStateMachine):
    """Records come, start, wait, come due and go, partitions are lost; every count is checked against plain lists."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog(WEIGHTS)
        self.partitions = {(topic, number): Partition(topic, number) for topic in WEIGHTS for number in (0, 1)}
        self.now = 0.0
        self.offset = 0
        self.ready: list[Work] = []
        self.waiting: dict[Work, float] = {}
        self.started: list[Work] = []

    @rule(topic=st.sampled_from(sorted(WEIGHTS)), number=st.integers(0, 1), size=st.integers(0, 100))
    def add(self, topic: str, number: int, size: int) -> None:
        item = work(self.partitions[topic, number], self.offset, b"x" * size)
        self.offset += 1
        self.backlog.add(item)
        self.ready.append(item)

    @rule()
    def start(self) -> None:
        item = self.backlog.start()
        if item is None:
            assert not self.ready
            assert not self.backlog
            return
        self.ready.remove(item)
        self.waiting.pop(item, None)
        self.started.append(item)

    @rule(delay=st.floats(0, 10), choice=st.randoms(use_true_random=False))
    def wait(self, delay: float, choice: random.Random) -> None:
        if self.started:
            item = self.started.pop(choice.randrange(len(self.started)))
            item.due = self.now + delay
            self.backlog.wait(item)
            self.waiting[item] = item.due

    @rule(fraction=st.integers(2, 4))
    def reclaim(self, fraction: int) -> None:
        chosen = [item for item in self.waiting if item not in self.ready and item.delivery.offset % fraction == 0]
        taken = self.backlog.reclaim(lambda item: item.delivery.offset % fraction == 0)
        assert set(taken) == set(chosen)
        for item in taken:
            del self.waiting[item]
        self.started.extend(taken)

    @rule(seconds=st.floats(0, 10))
    def mature(self, seconds: float) -> None:
        self.now += seconds
        due = [item for item, at in self.waiting.items() if at <= self.now and item not in self.ready]
        assert self.backlog.mature(self.now) == len(due)
        self.ready.extend(due)

    @rule()
    def finish(self) -> None:
        if self.started:
            self.backlog.finish(self.started.pop())

    @rule(topic=st.sampled_from(sorted(WEIGHTS)), number=st.integers(0, 1))
    def lose(self, topic: str, number: int) -> None:
        partition = self.partitions[topic, number]
        gone = {item for item in [*self.ready, *self.waiting] if item.partition is partition}
        assert self.backlog.drop(partition) == len(gone)
        self.ready = [item for item in self.ready if item not in gone]
        self.waiting = {item: at for item, at in self.waiting.items() if item not in gone}

    @invariant()
    def counts_are_right(self) -> None:
        first = [item for item in self.ready if item not in self.waiting]
        assert self.backlog.buffered == len(first)
        assert self.backlog.waiting == len(self.waiting)
        assert bool(self.backlog) == bool(self.ready)
        for topic in WEIGHTS:
            active = [item.size_bytes for item in [*first, *self.started] if item.delivery.topic == topic]
            assert self.backlog.active_bytes(topic) == sum(active)
        for partition in self.partitions.values():
            assert partition.buffered == sum(item.partition is partition for item in first)
            mine = [item.size_bytes for item in self.waiting if item.partition is partition]
            assert (partition.waiting, partition.waiting_bytes) == (len(mine), sum(mine))

    @invariant()
    def the_next_due_time_is_the_earliest(self) -> None:
        still_waiting = [at for item, at in self.waiting.items() if item not in self.ready]
        assert self.backlog.next_due == min(still_waiting, default=None)


TestBacklog = BacklogAgainstAModel.TestCase

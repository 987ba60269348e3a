import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from consumer.engine.offsets import PartitionOffsets


class OffsetsAgainstAModel(RuleBasedStateMachine):
    """Deliver with holes, finish in any order, commit late or never; the model is two plain sets."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets = PartitionOffsets(100)
        self.delivered: list[int] = []
        self.unfinished: set[int] = set()
        self.committed: list[int] = []

    @rule(hole=st.integers(0, 3))
    def deliver(self, hole: int) -> None:
        offset = self.offsets.next_offset + hole
        assert self.offsets.deliver(offset)
        self.delivered.append(offset)
        self.unfinished.add(offset)

    @rule(back=st.integers(1, 5))
    def deliver_again(self, back: int) -> None:
        assert not self.offsets.deliver(self.offsets.next_offset - back)

    @rule(choice=st.randoms(use_true_random=False))
    def finish(self, choice: random.Random) -> None:
        if self.unfinished:
            offset = choice.choice(sorted(self.unfinished))
            self.unfinished.remove(offset)
            self.offsets.finish(offset)

    @rule(choice=st.randoms(use_true_random=False))
    def finish_again(self, choice: random.Random) -> None:
        finished = sorted(set(self.delivered) - self.unfinished)
        if finished:
            self.offsets.finish(choice.choice(finished))

    @rule()
    def commit(self) -> None:
        position = self.offsets.uncommitted
        if position is not None:
            self.committed.append(position)
            self.offsets.commit(position)

    @rule()
    def commit_of_long_ago_arrives(self) -> None:
        if self.committed:
            self.offsets.commit(self.committed[0])

    @invariant()
    def never_past_an_unfinished_offset(self) -> None:
        assert all(offset >= self.offsets.committable for offset in self.unfinished)

    @invariant()
    def as_far_as_can_be(self) -> None:
        expected = min(self.unfinished, default=self.offsets.next_offset)
        assert self.offsets.committable == expected
        assert self.offsets.window == self.offsets.next_offset - expected

    @invariant()
    def never_backwards(self) -> None:
        assert self.committed == sorted(set(self.committed))
        assert self.offsets.committed == (self.committed[-1] if self.committed else 100)
        assert self.offsets.committable >= self.offsets.committed


TestOffsets = OffsetsAgainstAModel.TestCase


def test_nothing_is_to_commit_before_the_first_delivery() -> None:
    assert PartitionOffsets(7).uncommitted is None


def test_an_offset_that_was_never_delivered_cannot_finish() -> None:
    offsets = PartitionOffsets(0)
    offsets.deliver(0)
    with pytest.raises(ValueError, match="offset 1 was not delivered"):
        offsets.finish(1)

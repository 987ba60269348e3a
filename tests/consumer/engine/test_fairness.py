import itertools
from collections import Counter

from hypothesis import given, strategies as st

from consumer.engine.fairness import LaneQueue, WeightedLanes
from consumer.engine.partition import Partition
from tests.consumer.engine.records import work

WEIGHTS = {"interactive": 4, "batch": 1}


def filled(interactive: int, batch: int) -> WeightedLanes:
    lanes = WeightedLanes(WEIGHTS)
    for topic, count in (("interactive", interactive), ("batch", batch)):
        partition = Partition(topic, 0)
        for offset in range(count):
            lanes.push(work(partition, offset))
    return lanes


def topics(lanes: WeightedLanes, count: int) -> list[str]:
    taken = [lanes.pop() for _ in range(count)]
    return [item.delivery.topic for item in taken if item is not None]


def test_the_interactive_lane_goes_first() -> None:
    assert topics(filled(1, 1), 2) == ["interactive", "batch"]


def test_while_both_lanes_are_full_the_batch_gets_every_fifth_turn() -> None:
    assert Counter(topics(filled(1000, 1000), 500)) == {"interactive": 400, "batch": 100}


def test_no_five_turns_in_a_row_are_without_batch() -> None:
    taken = topics(filled(200, 200), 200)
    assert all("batch" in taken[start : start + 5] for start in range(len(taken) - 4))


def test_a_lane_alone_has_every_turn() -> None:
    assert topics(filled(0, 7), 9) == ["batch"] * 7


def test_a_lane_that_was_idle_has_saved_nothing_up() -> None:
    lanes = filled(0, 1000)
    topics(lanes, 900)
    partition = Partition("interactive", 0)
    for offset in range(20):
        lanes.push(work(partition, offset))
    assert topics(lanes, 4).count("interactive") >= 3


def test_partitions_take_turns_whatever_their_length() -> None:
    lanes = WeightedLanes(WEIGHTS)
    fat, thin = Partition("interactive", 0), Partition("interactive", 1)
    for offset in range(100):
        lanes.push(work(fat, offset))
    for offset in range(3):
        lanes.push(work(thin, offset))
    taken = [lanes.pop() for _ in range(6)]
    assert [item.partition.number for item in taken if item] == [0, 1, 0, 1, 0, 1]


def test_retries_and_first_attempts_of_a_partition_alternate() -> None:
    lanes = WeightedLanes(WEIGHTS)
    partition = Partition("interactive", 0)
    for offset in range(10):
        lanes.push(work(partition, offset))
    for offset in range(100, 110):
        lanes.push(work(partition, offset), retry=True)
    taken = [item.delivery.offset for item in iter(lanes.pop, None)]
    assert taken[:6] == [100, 0, 101, 1, 102, 2]


def test_what_is_dropped_comes_no_more() -> None:
    lanes = WeightedLanes(WEIGHTS)
    lost, kept = Partition("interactive", 0), Partition("interactive", 1)
    lanes.push(work(lost, 0))
    lanes.push(work(lost, 1), retry=True)
    lanes.push(work(kept, 2))
    assert len(lanes.drop(lost)) == 2
    assert [item.delivery.offset for item in iter(lanes.pop, None)] == [2]
    assert not lanes


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(WEIGHTS)), st.integers(0, 3), st.booleans()),
        max_size=60,
    )
)
def test_everything_pushed_comes_out_once_and_in_order_within_its_kind(pushes: list[tuple[str, int, bool]]) -> None:
    lanes = WeightedLanes(WEIGHTS)
    partitions = {(topic, number): Partition(topic, number) for topic in WEIGHTS for number in range(4)}
    expected: dict[tuple[str, int, bool], list[int]] = {}
    kinds = {}
    for offset, (topic, number, retry) in enumerate(pushes):
        lanes.push(work(partitions[topic, number], offset), retry=retry)
        expected.setdefault((topic, number, retry), []).append(offset)
        kinds[offset] = (topic, number, retry)
    taken: dict[tuple[str, int, bool], list[int]] = {}
    for item in iter(lanes.pop, None):
        taken.setdefault(kinds[item.delivery.offset], []).append(item.delivery.offset)
    assert taken == expected


@given(
    st.dictionaries(st.integers(0, 5), st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1),
    st.booleans(),
)
def test_in_a_storm_of_either_kind_no_record_of_the_other_waits_for_more_than_its_turn(
    ready: dict[int, tuple[int, int]],
    storm_of_retries: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """Of the stormy kind each partition always has another one ready; the other kind's are those given."""
    queue = LaneQueue()
    expected: dict[tuple[int, int], int] = {}
    partitions = {number: Partition("interactive", number) for number in ready}
    for number, (calm, stormy) in ready.items():
        for offset in range(calm):
            queue.push(work(partitions[number], offset), retry=not storm_of_retries)
            # Every other turn of its partition is its kind's, and each partition has one turn in a round.
            expected[number, offset] = 2 * (offset + 1) * len(ready)
        for offset in range(1000, 1000 + stormy):
            queue.push(work(partitions[number], offset), retry=storm_of_retries)
    fresh = itertools.count(2000)
    for turn in range(1, 1 + max(expected.values(), default=0)):
        for partition in partitions.values():
            queue.push(work(partition, next(fresh)), retry=storm_of_retries)
        taken = queue.pop()
        latest = expected.pop((taken.partition.number, taken.delivery.offset), turn)
        assert turn <= latest
    assert not expected

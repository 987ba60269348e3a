from dataclasses import replace

from hypothesis import given, strategies as st

from consumer.engine.fetch_plan import FetchLimits, plan_fetch
from consumer.engine.offsets import PartitionOffsets
from consumer.engine.partition import Partition

LIMITS = FetchLimits(records=16, bytes=32_000, waiting_records=100, waiting_bytes=10_000, window=50, record_bytes=1_000)


def partition(number: int = 0, topic: str = "interactive", **state: int) -> Partition:
    made = Partition(topic, number, PartitionOffsets(0))
    for name, value in state.items():
        setattr(made, name, value)
    return made


def nothing_active(_topic: str) -> int:
    return 0


def test_an_empty_partition_takes_as_many_records_as_the_lane_may_hold() -> None:
    only = partition()
    plan = plan_fetch([only], LIMITS, nothing_active)
    assert (plan.partitions, plan.max_records, plan.complete) == ([only], 16, True)


def test_a_busy_partition_may_fill_the_lane_while_the_others_have_nothing() -> None:
    several = [partition(0, buffered=6), *(partition(number) for number in range(1, 4))]
    plan = plan_fetch(several, LIMITS, nothing_active)
    assert (plan.partitions, plan.max_records) == (several, 10)


def test_in_a_lane_more_than_half_full_each_partition_still_has_its_share() -> None:
    busy, others = partition(0, buffered=9), [partition(number) for number in range(1, 4)]
    plan = plan_fetch([busy, *others], LIMITS, nothing_active)
    assert (plan.partitions, plan.max_records) == (others, 4)


def test_a_partition_of_unknown_start_is_left_out() -> None:
    unknown = replace(partition(), offsets=None)
    plan = plan_fetch([unknown], LIMITS, nothing_active)
    assert (plan.partitions, plan.complete) == ([], False)


def test_a_partition_at_a_bound_of_its_own_is_left_out_and_the_others_are_not() -> None:
    wide = partition(1)
    assert wide.offsets is not None
    for offset in range(LIMITS.window):
        wide.offsets.deliver(offset)
    free = partition(0)
    bounded = [
        wide,
        partition(2, buffered=12),
        partition(3, waiting=20),
        partition(4, waiting_bytes=2_000),
    ]
    plan = plan_fetch([free, *bounded], LIMITS, nothing_active)
    assert plan.partitions == [free]
    assert not plan.complete


def test_a_lane_whose_bytes_are_used_up_is_left_out_and_the_other_is_not() -> None:
    full, free = partition(topic="batch"), partition(topic="interactive")
    plan = plan_fetch([full, free], LIMITS, {"batch": 31_500, "interactive": 0}.__getitem__)
    assert plan.partitions == [free]


def test_no_more_records_are_asked_for_than_fit_if_each_were_the_largest() -> None:
    assert plan_fetch([partition()], LIMITS, lambda _topic: 29_000).max_records == 3


def test_an_empty_lane_always_takes_one_record() -> None:
    tiny = replace(LIMITS, bytes=10)
    assert plan_fetch([partition()], tiny, nothing_active).max_records == 1


@given(
    lane=st.integers(1, 30),
    records=st.integers(1, 200),
    choices=st.lists(st.integers(0, 29), max_size=80),
    record_bytes=st.integers(1, 1_000),
)
def test_whichever_partition_fills_each_poll_no_bound_is_broken(
    lane: int, records: int, choices: list[int], record_bytes: int
) -> None:
    several = [partition(number) for number in range(lane)]
    limits = replace(LIMITS, records=records)
    share = max(2, -(-records // lane))

    def held_bytes(_topic: str) -> int:
        return sum(one.buffered for one in several) * record_bytes

    for choice in choices:
        plan = plan_fetch(several, limits, held_bytes)
        if not plan.partitions:
            break
        plan.partitions[choice % len(plan.partitions)].buffered += plan.max_records
        assert max(one.buffered for one in several) <= max(share, records)
        assert sum(one.buffered for one in several) <= records + share * lane
        assert held_bytes("") <= limits.bytes

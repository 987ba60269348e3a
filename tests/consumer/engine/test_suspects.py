from hypothesis import given, strategies as st

from consumer.engine.fetch_plan import FetchPlan
from consumer.engine.partition import Partition
from consumer.engine.suspects import Suspects


def test_beyond_suspicion_the_plan_is_left_as_it_is() -> None:
    plan = FetchPlan([Partition("t", 0), Partition("t", 1)], 7, complete=True)
    assert Suspects().narrow(plan) is plan


@given(
    partitions=st.integers(1, 8),
    bad=st.tuples(st.integers(0, 7), st.integers(0, 30)),
    batch=st.integers(1, 12),
)
def test_exactly_the_record_that_makes_polls_fail_is_found_and_all_others_are_read(
    partitions: int, bad: tuple[int, int], batch: int
) -> None:
    """Polls of a simulated client: one that reaches the bad record fails as a whole and returns nothing."""
    end = 31
    at = [0] * partitions
    bad_partition, bad_offset = bad[0] % partitions, bad[1]
    all_partitions = [Partition("t", number) for number in range(partitions)]
    suspects = Suspects()
    found = []
    for _ in range(2_000):
        if at == [end] * partitions and not any(partition.suspicion for partition in all_partitions):
            break
        plan = suspects.narrow(FetchPlan(all_partitions, batch, complete=True))
        room, taken, failed = plan.max_records, dict.fromkeys(range(partitions), 0), False
        for partition in plan.partitions:
            number = partition.number
            take = min(room, end - at[number])
            beyond = number == bad_partition and at[number] <= bad_offset < at[number] + take
            if beyond and (bad_partition, bad_offset) not in found:
                failed = True
            taken[number] = take
            room -= take
        if failed:
            unreadable = suspects.failed(plan.partitions)
            if unreadable is not None:
                found.append((unreadable.number, at[unreadable.number]))
                at[unreadable.number] += 1
        else:
            for number, take in taken.items():
                at[number] += take
            suspects.passed(
                plan.partitions, records=any(taken.values()), read_up=lambda partition: at[partition.number] == end
            )
    assert found == [(bad_partition, bad_offset)]
    assert at == [end] * partitions
    assert not any(partition.suspicion for partition in all_partitions)

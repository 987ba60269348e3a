from collections import Counter
from itertools import pairwise

from hypothesis import given, strategies as st

from producer_api.partitioning import PartitionCursor, runs_of, spread

PARTITIONS = st.integers(1, 50)
COUNTS = st.integers(0, 2_000)


@given(count=COUNTS, partitions=PARTITIONS, start=st.integers(0, 49))
def test_every_prompt_has_a_partition_and_none_gets_two_more_than_another(
    count: int, partitions: int, start: int
) -> None:
    chosen = spread(count, partitions=partitions, start=start % partitions)
    assert len(chosen) == count
    assert set(chosen) <= set(range(partitions))
    loads = Counter(dict.fromkeys(range(partitions), 0)) + Counter(chosen)
    counts = [loads[partition] for partition in range(partitions)]
    assert max(counts) - min(counts) <= 1


@given(partitions=PARTITIONS, start=st.integers(0, 49), rounds=st.floats(0, 4))
def test_a_small_request_goes_to_consecutive_partitions(partitions: int, start: int, rounds: float) -> None:
    start %= partitions
    count = int(rounds * partitions)
    assert spread(count, partitions=partitions, start=start) == [(start + index) % partitions for index in range(count)]


@given(partitions=PARTITIONS, extra=st.integers(1, 1_000), start=st.integers(0, 49))
def test_a_bulk_request_has_one_run_for_each_partition(partitions: int, extra: int, start: int) -> None:
    chosen = spread(4 * partitions + extra, partitions=partitions, start=start % partitions)
    runs = 1 + sum(left != right for left, right in pairwise(chosen))
    assert runs == partitions
    assert chosen[0] == start % partitions


@given(st.lists(st.integers(0, 3), max_size=50))
def test_runs_are_the_partitions_again_and_no_two_neighbours_are_of_one(partitions: list[int]) -> None:
    runs = runs_of(partitions)
    assert [run.partition for run in runs for _ in range(run.first, run.end)] == partitions
    assert [run.first for run in runs] == [0, *(run.end for run in runs)][: len(runs)]
    assert all(left.partition != right.partition for left, right in pairwise(runs))


@given(counts=st.lists(st.integers(1, 7), min_size=1, max_size=60), partitions=PARTITIONS, start=st.integers(0, 2**16))
def test_small_requests_one_after_another_fill_all_partitions_alike(
    counts: list[int], partitions: int, start: int
) -> None:
    cursor = PartitionCursor(start)
    loads = Counter[int]()
    for count in counts:
        loads.update(cursor.take(count, partitions=partitions))
    # A request of fewer than four prompts per partition goes on where the last one ended.
    if all(count <= 4 * partitions for count in counts):
        values = [loads[partition] for partition in range(partitions)]
        assert max(values) - min(values) <= 1


def test_the_cursor_goes_on_when_partitions_are_added() -> None:
    cursor = PartitionCursor(2)
    assert cursor.take(2, partitions=3) == [2, 0]
    assert cursor.take(4, partitions=6) == [4, 5, 0, 1]

import bisect
import math

import pytest
from hypothesis import given, strategies as st

from producer_api.operator.times import quantile, times_view

BOUNDS = (0.1, 1.0, 10.0, math.inf)
TIMES = st.lists(st.floats(0, 9.99), min_size=1, max_size=50)


def counted(times: list[float]) -> list[tuple[float, int]]:
    counts = [0] * len(BOUNDS)
    for time in times:
        counts[bisect.bisect_left(BOUNDS, time)] += 1
    return list(zip(BOUNDS, counts, strict=True))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 0.1), (0.75, 0.55), (1.0, 1.0), (0.25, 0.05)], ids=str)
def test_times_are_spread_evenly_within_a_bucket(share: float, expected: float) -> None:
    assert quantile(share, [(0.1, 2), (1.0, 2), (math.inf, 0)]) == pytest.approx(expected)


def test_of_times_over_the_last_bound_no_more_is_known_than_it() -> None:
    assert quantile(0.99, [(0.1, 1), (1.0, 0), (math.inf, 9)]) == 1.0


def test_of_no_times_there_is_no_quantile() -> None:
    with pytest.raises(ValueError, match="no times"):
        quantile(0.5, [(0.1, 0), (math.inf, 0)])


@given(times=TIMES, share=st.floats(0, 1))
def test_a_quantile_is_in_the_bucket_of_the_time_itself(times: list[float], share: float) -> None:
    ordered = sorted(times)
    itself = ordered[max(0, math.ceil(share * len(ordered)) - 1)]
    place = bisect.bisect_left(BOUNDS, itself)
    lower = 0.0 if place == 0 else BOUNDS[place - 1]
    assert lower <= quantile(share, counted(times)) <= BOUNDS[place] + 1e-9


@given(times=TIMES, shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_greater_share_never_has_a_smaller_quantile(times: list[float], shares: tuple[float, float]) -> None:
    buckets = counted(times)
    assert quantile(min(shares), buckets) <= quantile(max(shares), buckets) + 1e-9


def test_the_view_is_of_one_time_among_other_sums() -> None:
    sums = {"call_le:10.0": 1, "call_le:0.1": 1, "call_le:+Inf": 0, "call_ms": 5_050, "wait_le:0.1": 7, "accepted": 3}
    assert times_view("call", sums) == {"count": 2, "mean": 2.525, "p50": 0.1, "p90": 8.02, "p99": 9.802}
    nothing = {"count": 0, "mean": None, "p50": None, "p90": None, "p99": None}
    assert times_view("other", sums) == nothing

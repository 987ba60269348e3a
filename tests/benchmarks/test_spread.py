import pytest
from hypothesis import given, strategies as st

from benchmarks.spread import Spread, percentile, ratios

values = st.lists(st.floats(min_value=0.001, max_value=1e6), min_size=1, max_size=50)


@given(values)
def test_the_middle_lies_between_the_least_and_the_greatest(measured: list[float]) -> None:
    spread = Spread.of(measured)
    assert min(measured) == spread.low <= spread.middle <= spread.high == max(measured)


def test_the_middle_of_three_rounds_is_none_of_the_outer_two() -> None:
    assert Spread.of([9.0, 1.0, 2.0]) == Spread(middle=2.0, low=1.0, high=9.0)


def test_no_value_has_no_spread() -> None:
    with pytest.raises(ValueError, match="no value"):
        Spread.of([])


def test_rounds_are_compared_with_their_own_round() -> None:
    assert ratios([10.0, 20.0], [5.0, 40.0]) == [2.0, 0.5]


def test_rounds_without_a_counterpart_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0)])
def test_a_percentile_is_a_value_by_its_rank(percent: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], percent) == expected


@given(values, st.integers(1, 100))
def test_so_many_per_cent_do_not_pass_a_percentile(measured: list[float], percent: int) -> None:
    bound = percentile(measured, percent)
    assert bound in measured
    assert 100 * sum(value <= bound for value in measured) >= percent * len(measured)


@pytest.mark.parametrize(("measured", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_there_is_no_percentile_of_nothing_and_none_beyond_a_hundred(measured: list[float], percent: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(measured, percent)

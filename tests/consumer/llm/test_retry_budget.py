import pytest
from hypothesis import given, strategies as st

from consumer.llm.retry_budget import RetryBudget

# What happens, and how many seconds after the last.
STORM = st.lists(st.tuples(st.sampled_from(["answer", "retry", "retry"]), st.floats(0, 2)), max_size=300)


def a_budget(*, ratio: float = 0.1, floor: float = 2.0, cap: float = 60.0) -> RetryBudget:
    return RetryBudget(ratio=ratio, floor_per_second=floor, cap_seconds=cap, now=0.0)


def test_a_burst_is_let_through_and_what_follows_is_spread_at_the_floors_rate() -> None:
    budget = a_budget()
    delays = [budget.least_delay_seconds(now=0.0, jitter=0.5) for _ in range(24)]
    assert delays == [0.0] * 20 + [0.5, 1.0, 1.5, 2.0]


def test_what_would_wait_longer_than_the_cap_waits_one_to_two_times_that_and_reserves_nothing() -> None:
    budget = a_budget(cap=1.0)
    for _ in range(22):
        assert budget.least_delay_seconds(now=0.0, jitter=0.5) <= 1.0
    assert [budget.least_delay_seconds(now=0.0, jitter=jitter) for jitter in (0.0, 0.5)] == [1.0, 1.5]
    assert budget.tokens == -2.0
    assert budget.least_delay_seconds(now=0.5, jitter=0.5) == pytest.approx(1.0)


def test_answers_earn_a_share_of_a_retry_each_up_to_the_burst() -> None:
    budget = a_budget()
    for _ in range(25):
        budget.least_delay_seconds(now=0.0, jitter=0.5)
    assert budget.tokens == -5.0
    for _ in range(60):
        budget.answered()
    assert budget.tokens == pytest.approx(1.0)
    for _ in range(1000):
        budget.answered()
    assert budget.tokens == 20.0


def test_a_clock_that_stands_still_or_goes_back_earns_nothing() -> None:
    budget = a_budget()
    for _ in range(20):
        budget.least_delay_seconds(now=5.0, jitter=0.5)
    assert budget.least_delay_seconds(now=1.0, jitter=0.5) == 0.5
    assert budget.tokens == -1.0


@given(STORM, st.floats(0, 1), st.floats(0.1, 20), st.floats(0.01, 90))
def test_up_to_any_moment_no_more_retries_are_let_through_than_were_earned(
    storm: list[tuple[str, float]], ratio: float, floor: float, cap: float
) -> None:
    budget = a_budget(ratio=ratio, floor=floor, cap=cap)
    now, answers, let_through = 0.0, 0, []
    for event, passed in storm:
        now += passed
        if event == "answer":
            answers += 1
            budget.answered()
            continue
        delay = budget.least_delay_seconds(now=now, jitter=0.25)
        if delay > cap:
            assert delay == cap * 1.25
        else:
            let_through.append(now + delay)
    for count, at in enumerate(sorted(let_through), start=1):
        assert count <= max(1.0, 10 * floor) + floor * at + ratio * answers + 1e-6

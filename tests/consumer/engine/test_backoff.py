import random

from hypothesis import given, strategies as st

from consumer.engine.backoff import Backoff

BACKOFF = Backoff(first_seconds=0.5, cap_seconds=10.0)


def test_the_ceiling_doubles_up_to_its_cap() -> None:
    assert [BACKOFF.ceiling_seconds(failures) for failures in range(1, 8)] == [0.5, 1, 2, 4, 8, 10, 10]


@given(failures=st.integers(1, 10_000), seed=st.integers())
def test_the_delay_is_anywhere_up_to_the_ceiling(failures: int, seed: int) -> None:
    assert 0 <= BACKOFF.delay_seconds(failures, random.Random(seed)) <= BACKOFF.ceiling_seconds(failures)

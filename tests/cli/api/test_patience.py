import pytest
from hypothesis import given, strategies as st

from cli.api.patience import Patience, delay_seconds, retry_after_seconds


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_pauses_grow_to_five_seconds_and_are_never_none(failures: int, chance: float) -> None:
    longest = min(0.25 * 2 ** min(failures - 1, 16), 5)
    assert longest / 2 <= delay_seconds(failures, None, chance) <= longest


@given(st.integers(1, 100), st.floats(0, 1e9), st.floats(0, 1))
def test_the_servers_wish_is_kept_up_to_half_a_minute(failures: int, retry_after: float, chance: float) -> None:
    assert min(retry_after, 30) <= delay_seconds(failures, retry_after, chance) <= min(retry_after, 30) + 0.25


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("Sun, 22 Nov", None),
    ],
)
def test_retry_after_is_read_in_seconds(header: str, seconds: float | None) -> None:
    assert retry_after_seconds({"Retry-After": header}) == seconds


def test_no_retry_after_is_no_wish() -> None:
    assert retry_after_seconds({}) is None


def test_an_api_that_never_answered_is_given_up_sooner() -> None:
    patience = Patience(first_seconds=1, outage_seconds=9)
    assert patience.lasts(has_answered=False) == 1
    assert patience.lasts(has_answered=True) == 9

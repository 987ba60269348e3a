import pytest
from hypothesis import given, strategies as st

from cli.dead_letters.moments import parse_moment

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - 90),
        ("30m", NOW - 1800),
        ("2h", NOW - 7200),
        ("7d", NOW - 7 * 86_400),
        ("999999999d", 0.0),
        ("2026-11-23T08:00:00+00:00", 1_795_420_800),
        ("2026-11-23T08:00:00Z", 1_795_420_800),
    ],
)
def test_a_time_is_so_long_ago_or_a_date(text: str, moment: float) -> None:
    assert parse_moment(text, NOW) == moment


def test_a_date_without_a_zone_is_this_machines() -> None:
    assert parse_moment("2026-11-23", NOW) is not None


@pytest.mark.parametrize("text", ["", "yesterday", "-1h", "1", "1w", "1.5h", "2026-13-01", "1900-01-01", "٣h"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_moment(text, NOW) is None


@given(st.text(max_size=20))
def test_no_text_breaks_it(text: str) -> None:
    moment = parse_moment(text, NOW)
    assert moment is None or moment >= 0

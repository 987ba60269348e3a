import pytest
from hypothesis import given, strategies as st

from producer_api.operator.cursor import Cursor, Stretch, parse_cursor

STRETCHES = st.tuples(st.integers(0, 10**17), st.integers(0, 10**17)).map(lambda pair: Stretch(min(pair), max(pair)))


@given(st.dictionaries(st.integers(0, 1000), STRETCHES, min_size=1, max_size=24))
def test_a_cursor_is_read_as_it_is_written(stretches: dict[int, Stretch]) -> None:
    cursor = Cursor(stretches)
    assert parse_cursor(str(cursor)) == cursor
    assert cursor.remaining == sum(stretch.end - stretch.begin for stretch in stretches.values())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0.1",
        "0.1.2.3",
        "0.2.1",
        "0.1.2_0.1.2",
        "0.1.2_",
        "_0.1.2",
        "0.-1.2",
        "0.01.2",
        "0.1.2\n",
        "x" * 60_000,
    ],
)
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert parse_cursor(text) is None

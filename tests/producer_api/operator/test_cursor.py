import pytest
from hypothesis import given, strategies as st

from producer_api.operator.cursor import Cursor, Stretch, parse_cursor

STRETCHES = st.tuples(st.integers(0, 10**17), st.integers(0, 10**17)).map(lambda pair: Stretch(min(pair), max(pair)))


@given(st.dictionaries(st.integers(0, 1000), STRETCHES, min_size=1, max_size=24))
def test_a_cursor_is_read_as_it_is_written(stretches: dict[int, Stretch]) -> None:
    cursor = Cursor(stretches)
    assert parse_cursor(str(cursor)) == cursor
    assert cursor.remaining == sum(stretch.end - stretch.begin for stretch in stretches.values())


def test_what_is_later_begins_where_it_ends_and_may_be_sent() -> None:
    later = Cursor({0: Stretch(2, 7), 3: Stretch(0, 0)}).later
    assert {number: left.begin for number, left in later.stretches.items()} == {0: 7, 3: 0}
    assert parse_cursor(str(later)) == later


@given(st.dictionaries(st.integers(0, 3), STRETCHES, min_size=1), st.dictionaries(st.integers(0, 3), STRETCHES))
def test_what_is_before_a_look_is_what_the_look_had_come_past(
    all_: dict[int, Stretch], left: dict[int, Stretch]
) -> None:
    before = Cursor(all_).before(Cursor(left)).stretches
    for number, stretch in all_.items():
        wanted = range(stretch.begin, min(stretch.end, left[number].begin)) if number in left else range(0)
        found = before.get(number, Stretch(0, 0))
        assert len(range(found.begin, found.end)) == len(wanted)
        if wanted:
            assert (found.begin, found.end) == (wanted.start, wanted.stop)


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

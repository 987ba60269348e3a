from typing import Any

import pytest
from hypothesis import given, strategies as st

from producer_api.tasks.cursor import EVERYTHING, NOTHING, Cursor, Told

numbers = st.integers(min_value=0, max_value=2**52)
tellings = st.one_of(
    st.just(NOTHING),
    st.just(EVERYTHING),
    st.builds(Told, st.integers(min_value=1, max_value=2**52), numbers, numbers, numbers, st.just(False)),
)
IDS = ["a", "b", "c"]


@given(st.lists(tellings, min_size=3, max_size=3))
def test_what_was_told_is_read_back(told: list[Told]) -> None:
    text = Cursor(IDS).write(told)
    assert text.isascii()
    assert not set(text) & set(" \n\r=")
    assert Cursor(IDS).read(text) == told


@given(st.lists(st.lists(tellings, min_size=3, max_size=3), min_size=2))
def test_each_id_of_a_stream_says_what_was_told_by_then(events: list[list[Told]]) -> None:
    cursor = Cursor(IDS)
    assert [cursor.read(cursor.write(told)) for told in events] == events


@given(st.lists(tellings, min_size=3, max_size=3))
def test_the_id_of_other_tasks_is_none(told: list[Told]) -> None:
    text = Cursor(IDS).write(told)
    for others in (["a", "b"], ["c", "b", "a"], ["a", "b", "d"], [*IDS, "d"]):
        with pytest.raises(ValueError, match="of other tasks"):
            Cursor(others).read(text)


@given(st.text())
def test_whatever_a_client_sends_is_read_or_refused(text: str) -> None:
    try:
        told = Cursor(IDS).read(text)
    except ValueError:
        return
    assert len(told) == len(IDS)


@given(st.lists(tellings, min_size=3, max_size=3), st.data())
def test_half_an_id_is_none(told: list[Told], data: st.DataObject) -> None:
    text = Cursor(IDS).write(told)
    half = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    with pytest.raises(ValueError, match=r"."):
        Cursor(IDS).read(text[:half])


@pytest.mark.parametrize("number", [2**53, 2**64, 2**69])
@pytest.mark.parametrize("field", ["run", "attempts", "text_bytes", "moved_at"])
def test_a_number_that_no_stream_writes_is_none(field: str, number: int) -> None:
    forged: dict[str, Any] = {"moved_at": 5, field: number}
    text = Cursor(["a"]).write([Told(**forged)])
    with pytest.raises(ValueError, match="out of bounds"):
        Cursor(["a"]).read(text)


def test_the_id_of_one_task_is_short() -> None:
    assert len(Cursor(["a"]).write([Told(1_795_412_166_320, 1, 2, 1_000)])) <= 24

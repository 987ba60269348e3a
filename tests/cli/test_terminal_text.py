import pytest
from hypothesis import given, strategies as st

from cli.terminal_text import excerpt, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext äß 漢", "plain\n\ttext äß 漢"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\r\nb\rc", "a\nb\\x0dc"),
        ("\u202eabc\u009b", "\\x202eabc\\x9b"),
        ("\ud800", "\\xd800"),
    ],
)
def test_control_characters_are_made_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(), st.integers(2, 50))
def test_an_excerpt_is_one_line_no_longer_than_asked(text: str, width: int) -> None:
    line = excerpt(text, width)
    assert len(line) <= width
    assert "\n" not in line
    assert line.isprintable() or not text.isprintable()


def test_an_excerpt_says_that_it_is_one() -> None:
    assert excerpt("one\n  two", 7) == "one two"
    assert excerpt("one two three", 7) == "one tw…"
    assert excerpt(" " * 1_000 + "late", 7) == "…"

from pathlib import Path

import pytest

from benchmarks.page import with_section, write_page
from benchmarks.suite_list import SUITES
from tests.benchmarks.results_given import result_of, worker_row

_PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def test_only_what_stands_between_the_marks_changes() -> None:
    page = "before\n<!-- measured: a -->\nold\n<!-- end: a -->\nafter\n<!-- measured: b -->\nkept\n<!-- end: b -->\n"
    assert with_section(page, "a", "new\n") == page.replace("old", "new")


@pytest.mark.parametrize("page", ["", "<!-- measured: a -->", "<!-- end: a -->\n<!-- measured: a -->"])
def test_a_page_without_marks_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="the page needs the lines"):
        with_section(page, "a", "new\n")


def test_the_page_of_this_project_has_marks_for_every_suite() -> None:
    text = _PAGE.read_text("utf-8")
    for suite in SUITES:
        assert "new words" in with_section(text, suite, "new words\n")


def test_a_page_that_is_not_there_begins_with_our_words(tmp_path: Path) -> None:
    page = tmp_path / "here" / "performance.md"
    result = result_of("worker", worker_row("SAQ", [1234.0], [1.0]))
    write_page(page, {"worker": result})
    written = page.read_text("utf-8")
    assert written.startswith("# Performance\n")
    assert "| SAQ | 1,234 |" in written
    assert (tmp_path / "here" / "performance" / "worker.svg").read_bytes().startswith(b"<?xml")

import pytest

from tests.faults.page import BEGIN, END, table, with_measured

ROW = {
    "name": "Kafka restarted",
    "tasks": 90,
    "lost": 0,
    "other": 0,
    "duplicates": 1,
    "duplicates_allowed": 2,
    "recovery_seconds": 3.25,
    "at": 0.0,
}


def test_a_fault_measured_twice_has_one_row_with_the_newest_figures() -> None:
    lines = table([ROW, {**ROW, "tasks": 91}]).splitlines()
    assert lines[2:] == ["| Kafka restarted | 91 | 0 | 0 | 1 (2) | 3.2 |"]


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert with_measured(page, "new\n") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert with_measured(with_measured(page, "new\n"), "new\n") == with_measured(page, "new\n")


def test_a_page_without_markers_is_told_so() -> None:
    with pytest.raises(ValueError, match="measured: begin"):
        with_measured("no markers", "new")

from pathlib import Path

import pytest

from tests.faults.catalogue import all_faults
from tests.faults.circumstances import described
from tests.faults.page import BEGIN, END, measured_part, newest, table, with_measured

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
ROW = {
    "name": "Kafka restarted",
    "tasks": 90,
    "lost": 0,
    "other": 0,
    "duplicates": 1,
    "duplicates_allowed": 2,
    "recovery_seconds": 3.25,
    "at": 0.0,
    "at_once": 1,
    "load_average": 1.0,
    "cores": 2,
    "software": ["Linux"],
}


def test_a_fault_measured_twice_has_one_row_with_the_newest_figures() -> None:
    rows = newest([ROW, {**ROW, "tasks": 91}], ["Kafka restarted"])
    assert table(rows).splitlines()[2:] == ["| Kafka restarted | 91 | 0 | 0 | 1 (2) | 3.2 |"]


def test_a_fault_that_was_not_measured_is_named() -> None:
    with pytest.raises(ValueError, match=r"not measured: FLUSHALL$"):
        newest([ROW], ["Kafka restarted", "FLUSHALL"])


@pytest.mark.parametrize(
    ("measurements", "said"),
    [
        ([ROW], "on 1970-01-01, one fault at a time, on 2 cores, Linux. Meanwhile 1.0"),
        (
            [ROW, {**ROW, "at": 86400.0, "at_once": 3, "load_average": 2.0, "cores": 4}],
            "on 1970-01-01 and 1970-01-02, up to 3 tests at a time, on 2 cores, Linux; 4 cores, Linux. Meanwhile 1.5",
        ),
    ],
)
def test_what_it_was_measured_on_is_told_as_it_was(measurements: list[dict[str, object]], said: str) -> None:
    assert said in described(measurements)


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert with_measured(page, "new\n") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert with_measured(with_measured(page, "new\n"), "new\n") == with_measured(page, "new\n")


def test_a_page_without_markers_is_told_so() -> None:
    with pytest.raises(ValueError, match="measured: begin"):
        with_measured("no markers", "new")


def test_the_page_has_every_fault_that_there_is_and_no_other() -> None:
    rows = [line.split(" | ")[0] for line in measured_part(PAGE.read_text("utf-8")).splitlines() if " | " in line]
    names = [row.removeprefix("| ") for row in rows[1:]]
    assert names == [fault.name for fault in all_faults()]

"""`python -m tests.faults.page MEASUREMENTS PAGE`: write the table of faults into the page, between its markers."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import orjson

from tests.faults.catalogue import all_faults
from tests.faults.circumstances import described

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_LINE = 120
_HEAD = (
    "| fault | tasks | lost | other than one outcome | calls made again (at most) | seconds to recover |\n"
    "|---|--:|--:|--:|--:|--:|\n"
)


def newest(measurements: Iterable[Mapping[str, Any]], names: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the last measurement of each fault, in the order of their names.

    Raises:
        ValueError: A fault was not measured.
    """
    found = {measured["name"]: measured for measured in measurements}
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"not measured: {'; '.join(missing)}")
    return [found[name] for name in names]


def table(measurements: Iterable[Mapping[str, Any]]) -> str:
    """Return the table, a row for each measurement."""
    return _HEAD + "".join(
        f"| {row['name']} | {row['tasks']} | {row['lost']} | {row['other']} | {row['duplicates']} "
        f"({row['duplicates_allowed']}) | {row['recovery_seconds']:.1f} |\n"
        for row in measurements
    )


def measured_part(page: str) -> str:
    """Return what stands between the markers.

    Raises:
        ValueError: The page has no such markers.
    """
    _, found_begin, rest = page.partition(BEGIN)
    measured, found_end, _ = rest.partition(END)
    if not found_begin or not found_end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    return measured


def with_measured(page: str, measured: str) -> str:
    """Return the page with other text between its markers.

    Raises:
        ValueError: The page has no such markers.
    """
    before = measured_part(page)
    return page.replace(f"{BEGIN}{before}{END}", f"{BEGIN}\n{measured}{END}")


def read_measurements(file: Path) -> Sequence[Mapping[str, Any]]:
    """Return what the faults wrote, one by line."""
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def main() -> None:
    """Read the measurements and write the page."""
    parser = argparse.ArgumentParser(prog="page")
    parser.add_argument("measurements", type=Path)
    parser.add_argument("page", type=Path)
    given = parser.parse_args()
    rows = newest(read_measurements(given.measurements), [fault.name for fault in all_faults()])
    page = given.page.read_text("utf-8")
    given.page.write_text(with_measured(page, f"{fill(described(rows), _LINE)}\n\n{table(rows)}"), "utf-8")


if __name__ == "__main__":
    main()

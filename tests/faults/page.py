"""`python -m tests.faults.page MEASUREMENTS PAGE`: write the table of faults into the page, between its markers."""

import argparse
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_HEAD = (
    "| fault | tasks | lost | other than one outcome | calls made again (at most) | seconds to recover |\n"
    "|---|--:|--:|--:|--:|--:|\n"
)


def table(measurements: Iterable[Mapping[str, Any]]) -> str:
    """Return the table, a row for each fault in the order measured; of several measurements the last."""
    rows = {measured["name"]: measured for measured in measurements}
    return _HEAD + "".join(
        f"| {name} | {row['tasks']} | {row['lost']} | {row['other']} | {row['duplicates']} "
        f"({row['duplicates_allowed']}) | {row['recovery_seconds']:.1f} |\n"
        for name, row in rows.items()
    )


def with_measured(page: str, measured: str) -> str:
    """Return the page with other text between its markers.

    Raises:
        ValueError: The page has no such markers.
    """
    before, found_begin, rest = page.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not found_begin or not found_end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{measured}{END}{after}"


def machine() -> str:
    """Say what the measurements were taken on."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} processor cores, {system}, Python {platform.python_version()}"


def read_measurements(file: Path) -> Sequence[Mapping[str, Any]]:
    """Return what the faults wrote, one by line."""
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def main() -> None:
    """Read the measurements and write the page."""
    parser = argparse.ArgumentParser(prog="page")
    parser.add_argument("measurements", type=Path)
    parser.add_argument("page", type=Path)
    given = parser.parse_args()
    measurements = read_measurements(given.measurements)
    day = time.strftime("%Y-%m-%d", time.gmtime(max(measured["at"] for measured in measurements)))
    said = f"Measured on {day} by `make reliability`: {machine()}.\n\n"
    given.page.write_text(with_measured(given.page.read_text("utf-8"), f"{said}{table(measurements)}"), "utf-8")


if __name__ == "__main__":
    main()

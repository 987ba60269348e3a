"""What was measured, kept as JSON: one entry for each suite, the newest run of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.row import Row


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """One run of a suite: when it began (ISO 8601, UTC), on what, with which versions, how often, and its rows."""

    suite: str
    measured_at: str
    machine: str
    versions: Mapping[str, str]
    rounds: int
    rows: tuple[Row, ...]

    def row(self, case: str, contender: str) -> Row | None:
        """Return the row of a case and a contender, if there is one."""
        return next((row for row in self.rows if (row.case, row.contender) == (case, contender)), None)


def read_results(file: Path) -> dict[str, SuiteResult]:
    """Return all results by their suite; none where there is no file."""
    if not file.exists():
        return {}
    return {entry["suite"]: _result(entry) for entry in orjson.loads(file.read_bytes())}


def write_result(file: Path, result: SuiteResult) -> dict[str, SuiteResult]:
    """Put a suite's result in the place of its last one, and return all."""
    results = {**read_results(file), result.suite: result}
    file.parent.mkdir(parents=True, exist_ok=True)
    entries = [asdict(results[suite]) for suite in sorted(results)]
    file.write_bytes(orjson.dumps(entries, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return results


def _result(entry: Mapping[str, Any]) -> SuiteResult:
    return SuiteResult(**{**entry, "rows": tuple(Row(**row) for row in entry["rows"])})

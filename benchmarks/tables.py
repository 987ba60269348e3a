"""Results as Markdown."""

from collections.abc import Sequence

from benchmarks.metrics import METRICS
from benchmarks.notes import NOTES, OURS as OUR_NOTE
from benchmarks.results import SuiteResult
from benchmarks.row import PER_SECOND, Row
from benchmarks.setting import OURS
from benchmarks.spread import Spread
from benchmarks.targets import targets


def section(result: SuiteResult) -> str:
    """Return what the page says of a suite: on what and when, the figures, the targets."""
    with_versions = ", ".join(f"{name} {number}" for name, number in result.versions.items())
    head = (
        f"Measured {result.measured_at.replace('T', ' ').replace('Z', ' UTC')}: {result.machine}; {with_versions}. "
        f"Medians of {result.rounds} rounds, with the least and the greatest.\n\n"
    )
    drawing = f"![{result.suite}](performance/{result.suite}.svg)\n"
    parts = [head, figures_table(result), *_targets_table(result), drawing]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def figures_table(result: SuiteResult) -> str:
    """Return a row for each contender in each case."""
    metrics = [name for name in METRICS if any(name in row.figures for row in result.rows)]
    has_ceiling = any(PER_SECOND in row.limits for row in result.rows)
    headings = [METRICS[name].heading for name in metrics] + (["of the ceiling"] if has_ceiling else [])
    head = f"| case | what | {' | '.join(headings)} | |\n|---|---|{'--:|' * len(headings)}---|\n"
    return head + "".join(_figures_line(row, metrics, has_ceiling=has_ceiling) for row in result.rows)


def _figures_line(row: Row, metrics: Sequence[str], *, has_ceiling: bool) -> str:
    cells = [_cell(row, name) for name in metrics]
    if has_ceiling:
        ceiling = row.limits.get(PER_SECOND)
        share = (
            "" if ceiling is None else f"{Spread.of(row.figures[PER_SECOND]).middle / ceiling:.0%} of {ceiling:,.0f}"
        )
        cells.append(share)
    contender = f"**{row.contender}**" if row.contender == OURS else row.contender
    note = _note(row, has_ceiling=has_ceiling)
    return f"| {row.case} | {contender} | {' | '.join(cells)} | {note} |\n"


def _note(row: Row, *, has_ceiling: bool) -> str:
    if row.contender == OURS:
        return OUR_NOTE if has_ceiling and row.position is None else ""
    return NOTES.get(row.contender, "")


def _cell(row: Row, name: str) -> str:
    values = row.figures.get(name)
    return METRICS[name].spread_text(Spread.of(values)) if values else ""


def _targets_table(result: SuiteResult) -> list[str]:
    wanted = targets(result.suite)
    if not wanted:
        return []
    head = "| target | wanted | measured | |\n|---|--:|--:|---|\n"
    return [head + "".join(target.line(result) for target in wanted)]

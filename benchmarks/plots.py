"""Results as drawings: bars by contender, or lines where cases are numbers. The same results draw the same bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.metrics import METRICS
from benchmarks.results import SuiteResult
from benchmarks.row import Row
from benchmarks.setting import OURS
from benchmarks.spread import Spread

_OURS_COLOUR, _OTHERS_COLOUR, _CEILING_COLOUR = "#c2410c", "#94a3b8", "#334155"
_WIDTH, _BAR_HEIGHT, _LINE_HEIGHT, _FRAME = 9.0, 0.24, 2.6, 0.9
_HEADROOM = 1.15
_STYLE: Any = {"svg.hashsalt": "promptmill", "svg.fonttype": "none", "font.size": 9}


def draw(result: SuiteResult, file: Path) -> None:
    """Draw every metric of every group of cases, one below the other."""
    parts = _parts(result)
    heights = [_height(rows, metric) for rows, metric in parts]
    file.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
        axes = figure.subplots(len(parts), 1, squeeze=False, height_ratios=heights)
        for (rows, metric), [axis] in zip(parts, axes, strict=True):
            _draw_part(axis, rows, metric)
        figure.savefig(file, metadata={"Date": None, "Creator": None})


def _parts(result: SuiteResult) -> list[tuple[Sequence[Row], str]]:
    """What is drawn together: the rows of one case, or of all cases of a kind that have a position."""
    groups: dict[str, list[Row]] = {}
    for row in result.rows:
        # Numbers of workers and lengths of queues are told by other figures.
        kind = row.case if row.position is None else f"numbered by {'/'.join(row.figures)}"
        groups.setdefault(kind, []).append(row)
    return [
        (rows, metric) for rows in groups.values() for metric in METRICS if any(metric in row.figures for row in rows)
    ]


def _height(rows: Sequence[Row], metric: str) -> float:
    return _LINE_HEIGHT if _on_a_line(rows) else _FRAME + _BAR_HEIGHT * sum(metric in row.figures for row in rows)


def _on_a_line(rows: Sequence[Row]) -> bool:
    return len(rows) > 1 and all(row.position is not None for row in rows)


def _draw_part(axis: Any, rows: Sequence[Row], metric: str) -> None:
    measured = [row for row in rows if metric in row.figures]
    if _on_a_line(rows):
        _lines(axis, measured, metric)
    else:
        _bars(axis, measured, metric)
    axis.spines[["top", "right"]].set_visible(False)


def _bars(axis: Any, rows: Sequence[Row], metric: str) -> None:
    ordered = sorted(rows, key=lambda row: Spread.of(row.figures[metric]).middle)
    spreads = [Spread.of(row.figures[metric]) for row in ordered]
    axis.barh(
        [row.contender for row in ordered],
        [spread.middle for spread in spreads],
        xerr=_errors(spreads),
        color=[_OURS_COLOUR if row.contender == OURS else _OTHERS_COLOUR for row in ordered],
        error_kw={"elinewidth": 0.8},
    )
    for place, spread in enumerate(spreads):
        axis.annotate(
            METRICS[metric].text(spread.middle), (spread.high, place), (4, 0), textcoords="offset points", va="center"
        )
    ceilings = {row.limits[metric] for row in rows if metric in row.limits}
    for ceiling in ceilings:
        axis.axvline(ceiling, color=_CEILING_COLOUR, linestyle="--", linewidth=0.8)
    axis.set_title(f"{rows[0].case}: {METRICS[metric].heading}", loc="left")


def _lines(axis: Any, rows: Sequence[Row], metric: str) -> None:
    positions = [row.position for row in rows]
    spreads = [Spread.of(row.figures[metric]) for row in rows]
    axis.errorbar(
        positions,
        [spread.middle for spread in spreads],
        yerr=_errors(spreads),
        color=_OURS_COLOUR,
        marker="o",
        capsize=3,
    )
    if all(metric in row.limits for row in rows):
        axis.plot(positions, [row.limits[metric] for row in rows], color=_CEILING_COLOUR, linestyle="--", linewidth=0.8)
    if rows[-1].position and rows[0].position and rows[-1].position / rows[0].position >= 10:  # noqa: PLR2004 - decades
        axis.set_xscale("log")
    highest = max(*(spread.high for spread in spreads), *(row.limits.get(metric, 0.0) for row in rows))
    axis.set_ylim(0, _HEADROOM * highest)
    axis.set_xticks(positions, [row.case for row in rows])
    axis.minorticks_off()
    axis.set_title(METRICS[metric].heading, loc="left")


def _errors(spreads: Sequence[Spread]) -> list[list[float]]:
    return [[spread.middle - spread.low for spread in spreads], [spread.high - spread.middle for spread in spreads]]

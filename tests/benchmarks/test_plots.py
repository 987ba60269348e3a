from pathlib import Path

import pytest

from benchmarks.plots import draw
from benchmarks.results import SuiteResult
from benchmarks.row import Row
from tests.benchmarks.results_given import queue_row, result_of, worker_row

_BARS = result_of(
    "worker", worker_row("Promptmill", [1000.0, 1100.0], [0.6, 0.7]), worker_row("SAQ", [500.0, 510.0], [2.0, 2.1])
)
_LINES = result_of(
    "scale",
    Row("1 worker", "Promptmill", {"per_second": [50.0]}, {"per_second": 50.0}, position=1),
    Row("4 workers", "Promptmill", {"per_second": [190.0]}, {"per_second": 200.0}, position=4),
    queue_row(1000, 0.5, 80, 1.5),
    queue_row(1_000_000, 0.6, 90, 1.6),
)


@pytest.mark.parametrize(
    ("result", "texts"),
    [
        (_BARS, ["100 ms, 200 at once: items/s", "100 ms, 200 at once: CPU ms/item", "Promptmill", "SAQ", "1,050"]),
        (_LINES, ["items/s", "resident MB", "4 workers", "1,000,000 queued"]),
    ],
)
def test_a_drawing_names_what_it_shows_and_is_the_same_each_time(
    tmp_path: Path, result: SuiteResult, texts: list[str]
) -> None:
    first, second = tmp_path / "first.svg", tmp_path / "second.svg"
    draw(result, first)
    draw(result, second)
    assert first.read_bytes() == second.read_bytes()
    drawn = first.read_text("utf-8")
    for text in texts:
        assert f">{text}<" in drawn

import pytest

from benchmarks.results import SuiteResult
from benchmarks.targets import targets
from tests.benchmarks.results_given import queue_row, result_of, worker_row


def _lines(result: SuiteResult) -> dict[str, str]:
    lines = [target.line(result) for target in targets(result.suite)]
    return {line.split("|")[1].strip(): "|".join(line.split("|")[2:]).strip() for line in lines}


def _line(result: SuiteResult, beginning: str) -> str:
    [found] = [line for what, line in _lines(result).items() if what.startswith(beginning)]
    return found


_WORKER = result_of(
    "worker",
    worker_row("Promptmill", [1000.0, 1200.0, 900.0], [0.7, 0.6, 0.8]),
    worker_row("naked loop, aiohttp transport", [500.0, 800.0, 900.0], [1.0, 1.0, 1.0]),
    worker_row("our model client alone", [1400.0, 1400.0, 1400.0], [0.4, 0.4, 0.4]),
    worker_row("taskiq-aio-kafka", [500.0, 900.0, 300.0], [1.0, 1.0, 1.0]),
    worker_row("FastStream, Kafka", [400.0, 600.0, 450.0], [1.0, 1.0, 1.0]),
    worker_row("SAQ", [5000.0, 5000.0, 5000.0], [1.0, 1.0, 1.0]),
)


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("items/s by those of the naked", "≥ 1.35x | 1.50x (1.00 to 2.00) | met |"),
        ("items/s by those of the best Kafka peer", "≥ 1.6x | 2.00x (1.33 to 2.00) | met |"),
        ("our own share", "≤ 130 µs | 300 µs (200 to 400) | **not met** |"),
        ("share of the ceiling, 1 s", "≥ 0.97 | not measured | |"),
        ("streamed", "≤ 2.5 ms | not measured | |"),
    ],
)
def test_the_workers_targets_are_ratios_of_the_same_round(what: str, line: str) -> None:
    assert _line(_WORKER, what) == line


def test_the_share_of_the_ceiling_is_told_of_the_case_with_long_calls() -> None:
    result = result_of("worker", worker_row("Promptmill", [1960.0], [0.7], case="1 s, 200 at once"))
    assert _line(result, "share of the ceiling") == "≥ 0.97 | 0.98 (0.98 to 0.98) | met |"


def test_without_peers_there_is_nothing_to_compare_with() -> None:
    result = result_of("worker", worker_row("Promptmill", [1000.0], [0.7]))
    assert _line(result, "items/s by those of the best Kafka peer") == "≥ 1.6x | not measured | |"


def test_queues_are_compared_with_the_shortest() -> None:
    result = result_of(
        "scale",
        queue_row(1_000_000, 0.8, 99, 2.5),
        queue_row(1000, 1.0, 90, 1.0),
        queue_row(10_000, 1.1, 91, 1.0),
    )
    assert _line(result, "CPU an item") == "≤ 0.1 | 0.20 (0.20 to 0.20) | **not met** |"
    assert _line(result, "resident memory") == "≤ 1.2x | 1.10x (1.10 to 1.10) | met |"
    assert _line(result, "start of a worker") == "≤ 3 s | 2.50 s (2.50 to 2.50) | met |"


@pytest.mark.parametrize("suite", ["worker", "ingest", "poll", "latency", "scale", "followers", "waits", "cancel"])
def test_a_result_without_rows_meets_nothing(suite: str) -> None:
    lines = _lines(result_of(suite))
    assert lines
    assert all(line.endswith("not measured | |") for line in lines.values())

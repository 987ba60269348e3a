from pathlib import Path

from benchmarks.results import read_results, write_result
from tests.benchmarks.results_given import queue_row, result_of, worker_row


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "there" / "results.json"
    worker = result_of("worker", worker_row("Promptmill", [1.0, 2.0, 3.0], [0.5, 0.25, 0.125]))
    scale = result_of("scale", queue_row(1000, 0.5, 80, 1.5))
    assert write_result(file, worker) == {"worker": worker}
    assert write_result(file, scale) == {"worker": worker, "scale": scale}
    assert read_results(file) == {"worker": worker, "scale": scale}


def test_a_suite_that_is_measured_again_takes_the_place_of_its_last_result(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    write_result(file, result_of("worker", worker_row("Promptmill", [1.0], [1.0])))
    again = result_of("worker", worker_row("Promptmill", [2.0], [1.0]))
    assert write_result(file, again) == read_results(file) == {"worker": again}


def test_there_are_no_results_before_the_first() -> None:
    assert read_results(Path("no/such/results.json")) == {}

from benchmarks.notes import NOTES
from benchmarks.peer_environments import PEERS
from benchmarks.tables import figures_table, section
from tests.benchmarks.results_given import queue_row, result_of, worker_row


def test_a_row_has_medians_with_their_spread_the_ceiling_and_what_the_contender_promises() -> None:
    table = figures_table(result_of("worker", worker_row("SAQ", [1500.0, 900.4, 1000.0], [1.5, 1.25, 1.0])))
    head, _, row = table.splitlines()
    assert head == "| case | what | items/s | CPU ms/item | of the ceiling | |"
    assert row == (
        "| 100 ms, 200 at once | SAQ | 1,000 (900 to 1,500) | 1.250 (1.000 to 1.500) | 50% of 2,000 | "
        "at most once by default (one try); Redis alone; result kept 10 min |"
    )


def test_our_own_row_stands_out() -> None:
    row = figures_table(result_of("worker", worker_row("Promptmill", [1.0], [1.0]))).splitlines()[-1]
    assert "| **Promptmill** |" in row
    assert "every promise on" in row


def test_figures_that_a_suite_does_not_have_are_no_columns() -> None:
    head = figures_table(result_of("scale", queue_row(1000, 0.5, 80, 1.5))).splitlines()[0]
    assert head == "| case | what | items/s | CPU ms/item | start to first call, s | resident MB | |"


def test_a_section_says_when_on_what_and_with_what_it_was_measured() -> None:
    text = section(result_of("worker", worker_row("Promptmill", [1.0], [1.0])))
    assert text.startswith(
        "Measured 2026-11-23 10:20:30 UTC: 2 cores of Something, Linux x86_64; Python 3.11.7, aiokafka 0.14.0. "
        "Medians of 3 rounds"
    )
    assert "| target | wanted | measured | |" in text
    assert text.endswith("![worker](performance/worker.svg)\n")


def test_what_each_peer_promises_stands_beside_its_figures() -> None:
    assert set(PEERS.values()) <= set(NOTES)

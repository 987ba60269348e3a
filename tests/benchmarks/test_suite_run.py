from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.peer_environments import PeerEnvironments
from benchmarks.results import read_results
from benchmarks.sizes import WorkerCase, quick
from benchmarks.suite_run import run_suites


# A dozen processes, one after the other: minutes where others keep the machine busy.
@pytest.mark.timeout(900)
async def test_a_suite_runs_from_real_servers_to_the_page(tmp_path: Path) -> None:
    few = WorkerCase(latency=0.01, jitter=0.2, concurrency=5, tasks=30)
    sizes = replace(quick(), worker=(few,), streamed=few)
    page = tmp_path / "performance.md"
    told: list[str] = []

    nobody = PeerEnvironments(main=None, newer=None)
    await run_suites(["worker"], sizes, nobody, page=page, folder=tmp_path / "run", tell=told.append)

    result = read_results(tmp_path / "performance" / "results.json")["worker"]
    assert {(row.case, row.contender) for row in result.rows} == {
        ("10 ms, 5 at once", "Promptmill"),
        ("10 ms, 5 at once", "naked loop, default transport"),
        ("10 ms, 5 at once", "naked loop, aiohttp transport"),
        ("10 ms, 5 at once", "our model client alone"),
        ("10 ms, 5 at once", "bare calls"),
        ("streamed, 10 ms, 5 at once", "Promptmill"),
        ("streamed, 10 ms, 5 at once", "naked loop, aiohttp transport"),
    }
    assert all(value > 0 for row in result.rows for values in row.figures.values() for value in values)
    assert "**Promptmill**" in page.read_text("utf-8")
    assert "Apache Kafka 4.4.0" in told[0]

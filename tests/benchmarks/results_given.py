from benchmarks.results import SuiteResult
from benchmarks.row import Row


def result_of(suite: str, *rows: Row) -> SuiteResult:
    return SuiteResult(
        suite=suite,
        measured_at="2026-11-23T10:20:30Z",
        machine="2 cores of Something, Linux x86_64",
        versions={"Python": "3.11.7", "aiokafka": "0.14.0"},
        rounds=3,
        rows=rows,
    )


def worker_row(
    contender: str, per_second: list[float], cpu_ms: list[float], *, case: str = "100 ms, 200 at once"
) -> Row:
    return Row(case, contender, {"per_second": per_second, "cpu_ms": cpu_ms}, {"per_second": 2000.0})


def queue_row(queued: int, cpu_ms: float, resident_mb: float, first_call_seconds: float) -> Row:
    figures = {
        "per_second": [900.0],
        "cpu_ms": [cpu_ms],
        "first_call_seconds": [first_call_seconds],
        "resident_mb": [resident_mb],
    }
    return Row(f"{queued:,} queued", "Promptmill", figures, position=queued)

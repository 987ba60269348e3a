"""What was set out to be reached, and whether it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.peer_environments import KAFKA_PEERS
from benchmarks.results import SuiteResult
from benchmarks.row import CPU_MS, PER_SECOND, Row
from benchmarks.setting import OURS
from benchmarks.spread import Spread, ratios
from benchmarks.suites import cancel, ingest, latency, scale, waits, worker

Values = Callable[[SuiteResult], Sequence[float] | None]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure to reach: `values` are those of each round, None where the suite has not measured it.

    Reached by the middle of the rounds, at least or at most as large as `bound`.
    """

    what: str
    bound: float
    at_least: bool
    unit: str
    values: Values

    def line(self, result: SuiteResult) -> str:
        """Return the table's row."""
        sign = "≥" if self.at_least else "≤"
        wanted = f"{sign} {self.bound:,g}{self.unit}"
        values = self.values(result)
        if not values:
            return f"| {self.what} | {wanted} | not measured | |\n"
        spread = Spread.of(values)
        met = spread.middle >= self.bound if self.at_least else spread.middle <= self.bound
        digits = 0 if self.bound >= 100 else 2  # noqa: PLR2004 - how it is written
        middle, low, high = (f"{value:,.{digits}f}" for value in (spread.middle, spread.low, spread.high))
        return (
            f"| {self.what} | {wanted} | {middle}{self.unit} ({low} to {high}) | {'met' if met else '**not met**'} |\n"
        )


def targets(suite: str) -> list[Target]:
    """Return what a suite is to reach; nothing for one without targets."""
    return {
        "worker": _worker(),
        "ingest": _ingest(),
        "poll": _poll(),
        "latency": _latency(),
        "scale": _scale(),
        "followers": _followers(),
        "waits": _waits(),
        "cancel": _cancel(),
    }.get(suite, [])


def _worker() -> list[Target]:
    return [
        Target(
            "items/s by those of the naked `create()` loop on the aiohttp transport, 100 ms (stretch: 1.8)",
            1.35,
            True,
            "x",
            _against("100 ms", worker.NAKED_AIOHTTP, PER_SECOND),
        ),
        Target("items/s by those of the best Kafka peer, 100 ms (stretch: 1.5)", 1.6, True, "x", _against_best_peer),
        Target("our own share of CPU an item: all but the model call, 100 ms", 130, False, " µs", _own_share),
        Target("share of the ceiling, 1 s", 0.97, True, "", _of_ceiling("1 s")),
        Target("streamed: CPU per 50 chunks while followed", 2.5, False, " ms", _cpu_ms("streamed, ")),
    ]


def _ingest() -> list[Target]:
    bulk, single = "1,000 prompts a request", "1 prompt a request"
    return [
        Target("bulk: prompts for one second of CPU", 40_000, True, "", _per_cpu_second(bulk)),
        Target(
            "bulk: prompts/s by those of aiokafka alone", 0.8, True, "x", _against(bulk, ingest.RAW_KAFKA, PER_SECOND)
        ),
        Target(
            "one by one: requests/s by those of a route that does nothing",
            0.45,
            True,
            "x",
            _against(single, ingest.NO_OP, PER_SECOND),
        ),
    ]


def _poll() -> list[Target]:
    return [Target("100 ids: ids for one second of CPU", 60_000, True, "", _per_cpu_second("100 ids"))]


def _latency() -> list[Target]:
    def milliseconds(stretch: str, metric: str) -> Values:
        return lambda result: _values(_found(result, latency.IDLE, stretch), metric)

    return [
        Target(
            "idle, 202 received to model called, p50",
            6,
            False,
            " ms",
            milliseconds(latency.ACCEPTED_TO_CALLED, "p50_ms"),
        ),
        Target(
            "idle, 202 received to model called, p99",
            25,
            False,
            " ms",
            milliseconds(latency.ACCEPTED_TO_CALLED, "p99_ms"),
        ),
        Target(
            "idle, model answered to result in a GET, p50",
            5,
            False,
            " ms",
            milliseconds(latency.ANSWERED_TO_VISIBLE, "p50_ms"),
        ),
    ]


def _scale() -> list[Target]:
    return [
        Target("CPU an item: farthest from that over the shortest queue", 0.1, False, "", _farthest_from_first),
        Target(
            "resident memory over the longest queue by that over the shortest",
            1.2,
            False,
            "x",
            _last_by_first(scale.RESIDENT),
        ),
        Target("start of a worker to its first call over the longest queue", 3, False, " s", _last(scale.FIRST_CALL)),
    ]


def _followers() -> list[Target]:
    def ours(metric: str) -> Values:
        return lambda result: _values(_found(result, "", OURS), metric)

    return [
        Target("piece written by the model to its follower, p99", 100, False, " ms", ours("p99_ms")),
        Target("resident memory of the API", 300, False, " MB", ours(scale.RESIDENT)),
    ]


def _waits() -> list[Target]:
    return [
        Target(
            "Redis commands for a second of a client",
            0.5,
            False,
            "",
            lambda result: _values(_found(result, "", OURS), waits.COMMANDS),
        ),
        Target(
            "cancellation sent to the answer of a GET that waits, p99",
            50,
            False,
            " ms",
            lambda result: _values(_found(result, "", waits.ENDS), "p99_ms"),
        ),
    ]


def _cancel() -> list[Target]:
    return [
        Target(
            "cancellation sent to the model's connection closed, p99",
            200,
            False,
            " ms",
            lambda result: _values(_found(result, "", cancel.ASKED_TO_CLOSED), "p99_ms"),
        ),
    ]


def _found(result: SuiteResult, case: str, contender: str) -> Row | None:
    """The row of the first case whose name begins so."""
    return next((row for row in result.rows if row.case.startswith(case) and row.contender == contender), None)


def _values(row: Row | None, metric: str) -> Sequence[float] | None:
    return None if row is None else row.figures.get(metric)


def _against(case: str, contender: str, metric: str) -> Values:
    def values(result: SuiteResult) -> Sequence[float] | None:
        ours = _values(_found(result, case, OURS), metric)
        theirs = _values(_found(result, case, contender), metric)
        return None if ours is None or theirs is None else ratios(ours, theirs)

    return values


def _against_best_peer(result: SuiteResult) -> Sequence[float] | None:
    ours = _values(_found(result, "100 ms", OURS), PER_SECOND)
    rows = [_found(result, "100 ms", peer) for peer in KAFKA_PEERS]
    peers = [row.figures[PER_SECOND] for row in rows if row is not None]
    if ours is None or not peers:
        return None
    return ratios(ours, [max(here) for here in zip(*peers, strict=True)])


def _own_share(result: SuiteResult) -> Sequence[float] | None:
    ours = _values(_found(result, "100 ms", OURS), CPU_MS)
    call = _values(_found(result, "100 ms", worker.MODEL_CLIENT), CPU_MS)
    if ours is None or call is None:
        return None
    return [1000 * (whole - part) for whole, part in zip(ours, call, strict=True)]


def _of_ceiling(case: str) -> Values:
    def values(result: SuiteResult) -> Sequence[float] | None:
        row = _found(result, case, OURS)
        return None if row is None else [value / row.limits[PER_SECOND] for value in row.figures[PER_SECOND]]

    return values


def _cpu_ms(case: str) -> Values:
    return lambda result: _values(_found(result, case, OURS), CPU_MS)


def _per_cpu_second(case: str) -> Values:
    def values(result: SuiteResult) -> Sequence[float] | None:
        milliseconds = _values(_found(result, case, OURS), CPU_MS)
        return None if milliseconds is None else [1000 / each for each in milliseconds]

    return values


def _queues(result: SuiteResult) -> list[Row]:
    rows = [row for row in result.rows if row.case.endswith(scale.QUEUED)]
    return sorted(rows, key=lambda row: row.position or 0)


def _farthest_from_first(result: SuiteResult) -> Sequence[float] | None:
    middles = [Spread.of(row.figures[CPU_MS]).middle for row in _queues(result)]
    return [max(abs(middle / middles[0] - 1) for middle in middles)] if middles else None


def _last_by_first(metric: str) -> Values:
    def values(result: SuiteResult) -> Sequence[float] | None:
        rows = _queues(result)
        return ratios(rows[-1].figures[metric], rows[0].figures[metric]) if rows else None

    return values


def _last(metric: str) -> Values:
    def values(result: SuiteResult) -> Sequence[float] | None:
        rows = _queues(result)
        return rows[-1].figures[metric] if rows else None

    return values

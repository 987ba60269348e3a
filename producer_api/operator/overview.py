"""All workers and the last minutes in one view, of sums that processes keep: at any load it costs the same. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from common.store.workers import SeenWorker
from common.task import Status
from producer_api.operator.times import times_view

_SUMMED = ("in_flight", "buffered", "waiting", "leases")
_FINAL = [status.value for status in Status if status.is_final]


def worker_view(seen: SeenWorker) -> dict[str, Any]:
    """A worker as it last said, with the times of its calls."""
    report = dict(seen.report)
    totals = report.pop("totals", {})
    return {
        "worker": seen.worker,
        "state": worker_state(seen),
        "heartbeat_age_seconds": round(seen.age_seconds, 3),
        **report,
        **_sums_view(totals),
    }


def worker_state(seen: SeenWorker) -> str:
    """`silent` where it says nothing any more, `hindered` where it takes no records, else `working`."""
    if seen.is_silent:
        return "silent"
    return "hindered" if seen.report.get("hindrances") else "working"


def overview_view(
    workers: Sequence[SeenWorker],
    minutes: Sequence[tuple[int, Mapping[str, int]]],
    backlog: Mapping[str, int] | None,
) -> dict[str, Any]:
    """`minutes` are Unix time in minutes with their sums, `backlog` is of each lane; None where Kafka does not say."""
    states = Counter(worker_state(seen) for seen in workers)
    speaking = [seen.report for seen in workers if not seen.is_silent]
    together: Counter[str] = Counter()
    for _, sums in minutes:
        together.update(sums)
    return {
        "workers": {
            **{state: states[state] for state in ("working", "hindered", "silent")},
            "slots": sum(report.get("concurrency", 0) for report in speaking),
            **{name: sum(report.get(name, 0) for report in speaking) for name in _SUMMED},
            "braked": sum(bool(report.get("brake_on")) for report in speaking),
        },
        "backlog": None if backlog is None else dict(backlog),
        "window": {"minutes": len(minutes), **_minute_view(together)},
        "minutes": [{"at": 60 * minute, **_minute_view(sums)} for minute, sums in minutes],
    }


def _minute_view(sums: Mapping[str, int]) -> dict[str, Any]:
    return {"accepted": sums.get("accepted", 0), **_sums_view(sums)}


def _sums_view(sums: Mapping[str, int]) -> dict[str, Any]:
    return {
        "tasks": {**dict.fromkeys(_FINAL, 0), **_of(sums, "tasks")},
        "calls": _of(sums, "calls"),
        "retries": _of(sums, "retries"),
        "tokens": {"input": 0, "output": 0, **_of(sums, "tokens")},
        "call_seconds": times_view("call", sums),
        "wait_seconds": times_view("wait", sums),
    }


def _of(sums: Mapping[str, int], kind: str) -> dict[str, int]:
    """The sums of a kind by what follows its name, those that there are."""
    prefix = f"{kind}:"
    return {name.removeprefix(prefix): amount for name, amount in sums.items() if name.startswith(prefix) and amount}

"""Times that were counted by bounds: their mean, and what so many of them did not pass. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

_SHOWN = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))


def times_view(name: str, sums: Mapping[str, int]) -> dict[str, Any]:
    """What `sums` has of the time `name`, in seconds: how many, mean and percentiles; None while there are none."""
    prefix = f"{name}_le:"
    counted = [(float(key.removeprefix(prefix)), count) for key, count in sums.items() if key.startswith(prefix)]
    buckets = sorted(counted)
    count = sum(number for _, number in buckets)
    view: dict[str, Any] = {"count": count, "mean": None, **{label: None for label, _ in _SHOWN}}
    if count:
        view["mean"] = round(sums.get(f"{name}_ms", 0) / 1000 / count, 3)
        view |= {label: round(quantile(share, buckets), 3) for label, share in _SHOWN}
    return view


def quantile(share: float, buckets: Sequence[tuple[float, int]]) -> float:
    """The time that so great a share did not pass, taken as spread evenly within its bucket.

    `buckets` are ascending bounds, the last infinite, each with the number of times between the bound before and it.
    Of those over the last finite bound no more is known than that bound.

    Raises:
        ValueError: there are no times.
    """
    wanted = share * sum(count for _, count in buckets)
    before, passed = 0.0, 0
    for bound, count in buckets:
        if count and passed + count >= wanted:
            if math.isinf(bound):
                return before
            return before + (bound - before) * max(0.0, wanted - passed) / count
        passed += count
        before = bound
    raise ValueError("no times were counted")

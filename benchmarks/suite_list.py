"""Every suite there is, in the order they are measured."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from benchmarks.row import Row
from benchmarks.setting import Setting
from benchmarks.suites import cancel, followers, ingest, latency, memory, poll, scale, waits, worker

SUITES: Mapping[str, Callable[[Setting], Awaitable[list[Row]]]] = MappingProxyType(
    {
        "worker": worker.measure,
        "ingest": ingest.measure,
        "poll": poll.measure,
        "latency": latency.measure,
        "scale": scale.measure,
        "memory": memory.measure,
        "followers": followers.measure,
        "waits": waits.measure,
        "cancel": cancel.measure,
    }
)

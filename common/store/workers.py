"""How each worker is, in its own words of a few seconds ago: numbers and places, never a prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from common.store.keys import Keys
from common.store.link import RedisLink, granted
from common.store.resp import encode_command
from common.store.scripts import ScriptCall, load_script, run_scripts
from common.task import to_seconds

BEAT_SECONDS = 2.0
# A worker that was killed is shown for so long, with the age of its last word.
_KEPT_MS = 60_000
MOST_WORKERS = 500


@dataclass(frozen=True, slots=True)
class HeldPartition:
    """A partition that is a worker's: `position` is read next, up to `committed` all is finished.

    `end` is one after the newest record, as far as Kafka has told; both are None where that is not known yet.
    """

    topic: str
    partition: int
    position: int | None
    committed: int | None
    end: int | None

    @property
    def lag(self) -> int | None:
        """Records that are not finished."""
        if self.end is None or self.committed is None:
            return None
        return max(0, self.end - self.committed)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """A worker as it sees itself. Times are Unix seconds; `totals` are since its start.

    `hindrances` are why it takes no records, one text each.
    """

    version: str
    host: str
    started_at: float
    concurrency: int
    in_flight: int
    buffered: int
    waiting: int
    leases: int
    widest_window: int
    brake_on: bool
    hindrances: Sequence[str]
    partitions: Sequence[HeldPartition]
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SeenWorker:
    """What is known of a worker: its last report's fields, as JSON, and how old that is by Redis's clock."""

    worker: str
    age_seconds: float
    report: Mapping[str, Any]

    @property
    def is_silent(self) -> bool:
        """Whether it has missed more than one report: it has died, or cannot reach Redis."""
        return self.age_seconds > 3 * BEAT_SECONDS


class Workers:
    """Reports of all workers. Every method raises `StoreUnavailable` when Redis is out of reach."""

    def __init__(self, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self._keys = keys
        self._beat = load_script("beat", binary=1, of_task=False)

    async def beat(self, worker: str, report: WorkerReport) -> None:
        """Take the place of the worker's report before."""
        content = asdict(report)
        for entry, partition in zip(content["partitions"], report.partitions, strict=True):
            entry["lag"] = partition.lag
        arguments: dict[str, str | float] = {"worker": worker, "kept": _KEPT_MS, "most": MOST_WORKERS}
        keys = (self._keys.workers, self._keys.worker(worker))
        await run_scripts(self._link, [ScriptCall(self._beat, keys, arguments, {"report": orjson.dumps(content)})])

    async def leave(self, worker: str) -> None:
        """The worker has ended as it was told to: nobody need look for it."""
        await self._link.transaction(
            ("DEL", self._keys.worker(worker)),
            ("ZREM", self._keys.workers, worker),
        )

    async def all(self) -> list[SeenWorker]:
        """Those that were heard of in the last minute, by name."""
        names = await self._link.execute("ZRANGE", self._keys.workers, 0, MOST_WORKERS - 1)
        workers = sorted(name.decode() for name in names)
        questions = [encode_command("HMGET", self._keys.worker(worker), "beat_at", "report") for worker in workers]
        (seconds, microseconds), *replies = granted(await self._link.ask([encode_command("TIME"), *questions]))
        now = int(seconds) + int(microseconds) / 1e6
        return [
            SeenWorker(worker, max(0.0, now - to_seconds(int(beat_at))), orjson.loads(report))
            for worker, (beat_at, report) in zip(workers, replies, strict=True)
            # Its time may have passed since.
            if report is not None
        ]

"""Redriving: run n+1 of the tasks that dead letters tell of, each started once however often it is asked for."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import orjson
import structlog

from common.record import Headers, UnknownVersion, UnreadableRecord, decode_task, encode_task, task_headers
from common.store.marker import SharedLooks
from common.store.redriving import Redriving
from common.store.scripts import StoreUnavailable
from common.store.submissions import Submissions, Written
from common.task import Lane, Task
from common.telemetry.tracing import TRACEPARENT, valid_traceparent
from common.topics import MAX_TASK_RECORD_BYTES, TopicNames
from producer_api.budget import Budget, Share
from producer_api.metrics import Metrics
from producer_api.operator.letter_log import OpenLog
from producer_api.operator.letters import Letter, Position, Source
from producer_api.outgoing import OutgoingRecord, Place, Unwritten
from producer_api.publisher import Publisher
from producer_api.tasks.lookup import StoreRebuilding

# Of the record of a redriven run: when it began, so that a further run gets the same time and no more.
REDRIVEN_AT = "redriven-at"
_BYTES_AT_ONCE = 4 * 1024 * 1024
_RECORDS_AT_ONCE = 100


class RedriveCutShort(RuntimeError):  # noqa: N818 - a fact about a request
    """Kafka did not acknowledge some records: asking again writes them, and starts nothing twice."""


class Fate(StrEnum):
    """What became of one letter."""

    STARTED = "started"
    """Run n+1 is queued."""
    AGAIN = "again"
    """It was started before and nobody has taken it yet: its record was written once more."""
    MOVED = "moved"
    """Its task is in another run, or still in this one: left as it is."""
    COMPLETED = "completed"
    """Its task has its answer: left as it is."""
    DELETED = "deleted"
    """Its tenant wants nothing of it kept."""
    UNREADABLE = "unreadable"
    """It holds no task."""
    MISSING = "missing"
    """There is no such letter, or the original that it refers to is gone."""
    TOO_LARGE = "too_large"
    """The record of another run would be over the topic's limit."""


@dataclass(frozen=True, slots=True)
class Item:
    """One letter's fate; `run` is the one its task is in now, 0 or None where there is none."""

    position: Position
    fate: Fate
    task_id: str | None = None
    run: int | None = None

    def view(self) -> dict[str, Any]:
        """As an answer has it."""
        return {"id": str(self.position), "task_id": self.task_id, "run": self.run or None, "status": self.fate}


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A letter that holds a task; `ended` is its run, with the end of life of the next one, `record` is the next's."""

    position: Position
    ended: Task
    record: OutgoingRecord

    @property
    def following(self) -> Task:
        return replace(self.ended, run=self.ended.run + 1, body={}, metadata={})


class Redrive:
    """The use case.

    Args:
        redriving: The store's move.
        submissions: Shows where the new record stands.
        looks: Whether the store is whole: what it does not know must not exist.
        publisher: Writes records.
        budget: What the process may hold.
        metrics: What is counted.
        names: The topics; a letter can refer to the tasks' only.
        longest_seconds: No run lives longer.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        *,
        redriving: Redriving,
        submissions: Submissions,
        looks: SharedLooks,
        publisher: Publisher,
        budget: Budget,
        metrics: Metrics,
        names: TopicNames,
        longest_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._redriving = redriving
        self._submissions = submissions
        self._looks = looks
        self._publisher = publisher
        self._budget = budget
        self._metrics = metrics
        self._names = names
        self._longest_seconds = longest_seconds
        self._clock = clock
        self._log = structlog.get_logger(__name__)

    async def redrive(
        self, letters: Sequence[tuple[Position, Letter | None]], log: OpenLog, *, dry_run: bool
    ) -> list[Item]:
        """Start the runs, in the order given; a `dry_run` only says what would become of each letter.

        Raises:
            StoreRebuilding: the store may have forgotten what was started before.
            StoreUnavailable: Redis is out of reach.
            KafkaUnavailable: nothing can be written now; nothing was started.
            Overloaded: the process holds as much as it may.
            RedriveCutShort: some were started and their records perhaps not written.
        """
        self._publisher.ensure_connected()
        if not (await self._looks.identity()).is_whole:
            raise StoreRebuilding
        items: list[Item] = []
        waiting: list[_Candidate] = []
        for position, letter in letters:
            found = await self._candidate(position, letter, log)
            if isinstance(found, Item):
                items.append(found)
                continue
            waiting.append(found)
            if len(waiting) >= _RECORDS_AT_ONCE or _size(waiting) >= _BYTES_AT_ONCE:
                items += await self._start(waiting, dry_run=dry_run)
                waiting = []
        items += await self._start(waiting, dry_run=dry_run)
        order = {position: number for number, (position, _) in enumerate(letters)}
        items.sort(key=lambda item: order[item.position])
        if not dry_run:
            for item in items:
                self._metrics.letters_redriven.labels(item.fate).inc()
            self._log.info("redriven", letters=len(items), started=sum(item.fate is Fate.STARTED for item in items))
        return items

    async def _candidate(self, position: Position, letter: Letter | None, log: OpenLog) -> _Candidate | Item:
        original = letter
        if letter is not None and letter.is_reference:
            original = await self._original(letter, log)
        if letter is None or original is None:
            return Item(position, Fate.MISSING, None if letter is None else letter.task_id)
        try:
            task = decode_task(original.value)
        except (UnreadableRecord, UnknownVersion):
            return Item(position, Fate.UNREADABLE, letter.task_id)
        now = round(self._clock(), 3)
        began = original.header(REDRIVEN_AT)
        ended = replace(task, expires_at=now + self._window(task, began))
        record = _record(replace(ended, run=task.run + 1), original, now)
        if _bytes(record) > MAX_TASK_RECORD_BYTES:
            return Item(position, Fate.TOO_LARGE, task.task_id, task.run)
        return _Candidate(position, ended, record)

    def _window(self, task: Task, redriven_at: str | None) -> float:
        """How long the run that ended had, in seconds."""
        try:
            began = float(redriven_at or task.created_at)
        except ValueError:
            began = task.created_at
        window = task.expires_at - began
        return min(window, self._longest_seconds) if window > 0 else self._longest_seconds

    async def _original(self, letter: Letter, log: OpenLog) -> Letter | None:
        """The record that the letter refers to; None where it is gone, or another stands in its place."""
        try:
            reference = orjson.loads(letter.value or b"")
            source = Source(str(reference["topic"]), int(reference["partition"]), int(reference["offset"]))
            digest = reference["sha256"]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None
        if source.topic not in {self._names.tasks(lane) for lane in Lane}:
            return None
        original = await log.original(source)
        if original is None or digest not in {None, hashlib.sha256(original.value or b"").hexdigest()}:
            return None
        return original

    async def _start(self, candidates: Sequence[_Candidate], *, dry_run: bool) -> list[Item]:
        """Start the runs and write their records."""
        if dry_run:
            return list((await self._decide(candidates, dry_run=True)).values())
        items: dict[Position, Item] = {}
        for lane in Lane:
            of_lane = [candidate for candidate in candidates if candidate.ended.lane is lane]
            # Held before anything is started, and the publisher's from when it is handed over.
            share = self._budget.share()
            try:
                share.grow(size_bytes=_size(of_lane), records=len(of_lane))
                decided = await self._decide(of_lane, dry_run=False)
            except BaseException:
                share.release()
                raise
            items |= decided
            to_write = [it for it in of_lane if decided[it.position].fate in {Fate.STARTED, Fate.AGAIN}]
            for refused in await self._write(lane, to_write, share):
                items[refused.position] = replace(items[refused.position], fate=Fate.TOO_LARGE)
        return list(items.values())

    async def _decide(self, candidates: Sequence[_Candidate], *, dry_run: bool) -> dict[Position, Item]:
        tasks = [candidate.ended for candidate in candidates]
        replies = await self._redriving.redrive(tasks, spare_completed=True, preview=dry_run)
        return {
            candidate.position: Item(candidate.position, Fate(reply.redriven.value), candidate.ended.task_id, reply.run)
            for candidate, reply in zip(candidates, replies, strict=True)
        }

    async def _write(self, lane: Lane, candidates: Sequence[_Candidate], share: Share) -> list[_Candidate]:
        """Write the records; those that Kafka refuses for their size come back. Takes over `share`."""
        if not candidates:
            share.release()
            return []
        places = await self._publisher.publish(lane, [candidate.record for candidate in candidates], share)
        pairs = list(zip(candidates, places, strict=True))
        written = [
            Written(it.following, place.partition, place.offset) for it, place in pairs if isinstance(place, Place)
        ]
        try:
            await self._submissions.accept(written)
            await self._redriving.remember([entry.task for entry in written])
        except StoreUnavailable:
            # They run all the same; asking again repairs what is shown.
            self._log.warning("redriven tasks are not shown in full: redis is out of reach", tasks=len(written))
        refused = [it for it, place in pairs if isinstance(place, Unwritten) and place.too_large]
        if len(written) + len(refused) < len(pairs):
            raise RedriveCutShort
        return refused


def _record(task: Task, original: Letter, now: float) -> OutgoingRecord:
    traceparent = valid_traceparent(original.header(TRACEPARENT))
    headers: Headers = [*task_headers(task, traceparent), (REDRIVEN_AT, f"{now:.3f}".encode())]
    return OutgoingRecord(task.task_id.encode(), encode_task(task), headers)


def _bytes(record: OutgoingRecord) -> int:
    return len(record.key) + len(record.value) + sum(len(name) + len(content) for name, content in record.headers)


def _size(candidates: Sequence[_Candidate]) -> int:
    return sum(_bytes(candidate.record) for candidate in candidates)

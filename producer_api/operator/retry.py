"""Another run of tasks that ended without an answer, from their own records: what a redrive does for dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from common.store.redriving import Redriving
from common.store.state import TaskState
from common.task import Lane, Status
from common.topics import TopicNames
from producer_api.operator.letter_log import LetterLog, OpenLog
from producer_api.operator.letters import Letter, Source
from producer_api.operator.redrive import Fate, Redrive
from producer_api.tasks.lookup import Lookup

_BYTES_AT_ONCE = 4 * 1024 * 1024


class Unretried(StrEnum):
    """Why a task was not even looked for in Kafka; beside these are the fates of a redrive."""

    NOT_FOUND = "not_found"
    """There is no such task."""
    UNFINISHED = "unfinished"
    """It has not ended: there is nothing to retry."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one task; `run` is the one it is in now."""

    asked: str
    task_id: str | None
    fate: Fate | Unretried
    run: int | None

    def view(self) -> dict[str, Any]:
        """As an answer has it."""
        return {"task_id": self.task_id or self.asked, "run": self.run or None, "status": self.fate}


class Retry:
    """The use case, for tasks of any tenant."""

    def __init__(
        self, *, lookup: Lookup, redriving: Redriving, redrive: Redrive, log: LetterLog, names: TopicNames
    ) -> None:
        self._lookup = lookup
        self._redriving = redriving
        self._redrive = redrive
        self._log = log
        self._names = names

    async def retry(self, asked: Sequence[str]) -> list[Retried]:
        """Start the runs; what became of each task, in the order asked. Asking again starts nothing twice.

        A run that was started, and whose record was never written, has it written when it is asked for again.

        Raises:
            LogBusy: too many look into Kafka.
            StoreRebuilding, StoreUnavailable, KafkaUnavailable, Overloaded, RedriveCutShort: as of a redrive.
        """
        states = await self._lookup.find_briefly(asked)
        known = {state.task_id: state for state in states if state is not None}
        places = {task_id: self._place(state) for task_id, state in known.items() if _may_run_again(state)}
        places |= await self._cut_short([state for state in known.values() if _has_no_record(state)])
        started: dict[str, tuple[Fate, int | None]] = {}
        if places:
            async with self._log.open() as log:
                # A position is one of its topic alone.
                for lane in Lane:
                    of_lane = {task_id: place for task_id, place in places.items() if known[task_id].lane is lane}
                    started |= await self._start(of_lane, log)
        return [_retried(text, state, started) for text, state in zip(asked, states, strict=True)]

    def _place(self, state: TaskState) -> Source | None:
        if state.partition is None or state.offset is None:
            return None
        return Source(self._names.tasks(state.lane), state.partition, state.offset)

    async def _cut_short(self, states: Sequence[TaskState]) -> dict[str, Source | None]:
        """Of the runs that are queued without a record, as far as is known: where the run before has its own."""
        origins = await self._redriving.origins([state.task_id for state in states])
        return {
            state.task_id: Source(self._names.tasks(state.lane), *origin)
            for state, origin in zip(states, origins, strict=True)
            if origin is not None
        }

    async def _start(self, places: Mapping[str, Source | None], log: OpenLog) -> dict[str, tuple[Fate, int | None]]:
        """Of one lane. Records are held a few at a time."""
        fates: dict[str, tuple[Fate, int | None]] = {}
        records: list[Letter] = []
        for task_id, place in places.items():
            record = await _record_at(place, task_id, log)
            if record is None:
                fates[task_id] = (Fate.MISSING, None)
                continue
            records.append(record)
            if sum(one.size_bytes for one in records) >= _BYTES_AT_ONCE:
                fates |= await self._redriven(records, log)
                records = []
        return fates | await self._redriven(records, log)

    async def _redriven(self, records: Sequence[Letter], log: OpenLog) -> dict[str, tuple[Fate, int | None]]:
        if not records:
            return {}
        items = await self._redrive.redrive([(record.position, record) for record in records], log, dry_run=False)
        return {record.task_id or "": (item.fate, item.run) for record, item in zip(records, items, strict=True)}


async def _record_at(place: Source | None, task_id: str, log: OpenLog) -> Letter | None:
    record = None if place is None else await log.original(place)
    # A topic that was made anew has other records in the same places.
    return record if record is not None and record.task_id == task_id else None


def _has_no_record(state: TaskState) -> bool:
    """Whether its run was started by an operator, and nobody has said yet where its record stands."""
    return state.status is Status.QUEUED and state.run > 1 and state.attempts == 0 and state.partition is None


def _may_run_again(state: TaskState) -> bool:
    return state.status.is_final and state.status is not Status.COMPLETED


def _retried(asked: str, state: TaskState | None, started: Mapping[str, tuple[Fate, int | None]]) -> Retried:
    if state is None:
        return Retried(asked, None, Unretried.NOT_FOUND, None)
    if state.task_id in started:
        fate, run = started[state.task_id]
        return Retried(asked, state.task_id, fate, state.run if run is None else run)
    completed = state.status is Status.COMPLETED
    return Retried(asked, state.task_id, Fate.COMPLETED if completed else Unretried.UNFINISHED, state.run)

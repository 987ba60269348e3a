"""Another run of tasks that ended without an answer, from their own records: what a redrive does for dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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

    def __init__(self, *, lookup: Lookup, redrive: Redrive, log: LetterLog, names: TopicNames) -> None:
        self._lookup = lookup
        self._redrive = redrive
        self._log = log
        self._names = names

    async def retry(self, asked: Sequence[str]) -> list[Retried]:
        """Start the runs; what became of each task, in the order asked. Asking again starts nothing twice.

        Raises:
            LogBusy: too many look into Kafka.
            StoreRebuilding, StoreUnavailable, KafkaUnavailable, Overloaded, RedriveCutShort: as of a redrive.
        """
        states = await self._lookup.find_briefly(asked)
        to_run = {state.task_id: state for state in states if state is not None and _may_run_again(state)}
        started: dict[str, tuple[Fate, int | None]] = {}
        if to_run:
            async with self._log.open() as log:
                # A position is one of its topic alone.
                for lane in Lane:
                    of_lane = [state for state in to_run.values() if state.lane is lane]
                    started |= await self._start(of_lane, log)
        return [_retried(text, state, started) for text, state in zip(asked, states, strict=True)]

    async def _start(self, states: Sequence[TaskState], log: OpenLog) -> dict[str, tuple[Fate, int | None]]:
        """Of one lane. Records are held a few at a time."""
        fates: dict[str, tuple[Fate, int | None]] = {}
        records: list[Letter] = []
        for state in states:
            record = await self.record(state, log)
            if record is None:
                fates[state.task_id] = (Fate.MISSING, state.run)
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

    async def record(self, state: TaskState, log: OpenLog) -> Letter | None:
        """The record that the task was last seen in; None where that is not known, is gone or is another's.

        Raises:
            KafkaError: Kafka does not answer.
        """
        if state.partition is None or state.offset is None:
            return None
        record = await log.original(Source(self._names.tasks(state.lane), state.partition, state.offset))
        # A topic that was made anew has other records in the same places.
        return record if record is not None and record.task_id == state.task_id else None


def _may_run_again(state: TaskState) -> bool:
    return state.status.is_final and state.status is not Status.COMPLETED


def _retried(asked: str, state: TaskState | None, started: Mapping[str, tuple[Fate, int | None]]) -> Retried:
    if state is None:
        return Retried(asked, None, Unretried.NOT_FOUND, None)
    if state.task_id in started:
        fate, run = started[state.task_id]
        return Retried(asked, state.task_id, fate, run)
    completed = state.status is Status.COMPLETED
    return Retried(asked, state.task_id, Fate.COMPLETED if completed else Unretried.UNFINISHED, state.run)

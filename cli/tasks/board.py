"""The tasks that one command follows, in the order of its prompts; pure."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cli.api.task_move import TaskMove
from cli.api.task_view import NOT_FOUND, TaskView
from common.task import Status

# Of a text that is being written, so many characters.
_TEXT_KEPT = 200


@dataclass(slots=True)
class Row:
    """One prompt: what a person knows it by, its task as last seen, and since when it is followed.

    Times are Unix seconds. `missing_since` is when its task was first not found, while it still is; `ended` is when
    it was seen to be final. `custom_id` is what the user calls it, `text` the end of what its model has written.
    """

    label: str
    view: TaskView
    since: float
    missing_since: float | None = None
    ended: float | None = None
    custom_id: str | None = None
    text: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more is awaited."""
        return self.ended is not None

    def elapsed_seconds(self, now: float) -> float | None:
        """From acceptance to the end, or to now; None for what never was a task."""
        if self.view.task_id is None or self.view.status == NOT_FOUND:
            return None
        begin = self.view.created_at if self.view.created_at is not None else self.since
        end = next((time for time in (self.view.finished_at, self.ended) if time is not None), now)
        return max(0.0, end - begin)


class Board:
    """Rows and their counts; rows that were taken off count on.

    A task that is not found is final only after `missing_seconds`: a store that was lost forgets accepted tasks until
    a worker restores them.
    """

    def __init__(self, *, missing_seconds: float) -> None:
        self.rows: list[Row] = []
        self._missing_seconds = missing_seconds
        self._by_id: dict[str, Row] = {}
        self._unfinished: dict[str, Row] = {}
        self._taken: Counter[str] = Counter()
        self._taken_finished = 0
        self.accepted = 0

    def add(self, label: str, task_id: str | None, view: TaskView, now: float, *, custom_id: str | None = None) -> None:
        """Follow one more, by the id that it is asked for with; one that has none is final at once."""
        row = Row(label, view, since=now, ended=now if view.is_final else None, custom_id=custom_id)
        self.rows.append(row)
        if task_id is not None:
            self.accepted += 1
            self._by_id[task_id] = row
            if not row.is_final:
                self._unfinished[task_id] = row

    def update(self, task_ids: Sequence[str], views: Sequence[TaskView], now: float) -> int:
        """Take what the API shows now of these ids; returns how many have become final by it."""
        before = len(self._unfinished)
        for task_id, view in zip(task_ids, views, strict=True):
            row = self._unfinished.get(task_id)
            if row is not None:
                self._update_row(row, view, now)
                if row.is_final:
                    del self._unfinished[task_id]
        return before - len(self._unfinished)

    def move(self, task_id: str, move: TaskMove, now: float) -> None:
        """Take a move of the task that is followed by this id."""
        row = self._unfinished.get(task_id)
        if row is not None:
            before = "" if move.is_reset else row.text
            row.text = (before + move.delta)[-_TEXT_KEPT:]
            self.update([task_id], [move.onto(row.view)], now)

    def take_off(self, count: int) -> list[Row]:
        """Give away the first rows: they are followed no more, and only counted from now on."""
        taken, self.rows = self.rows[:count], self.rows[count:]
        gone = {id(row) for row in taken}
        for rows in (self._by_id, self._unfinished):
            for task_id in [task_id for task_id, row in itertools.islice(rows.items(), count) if id(row) in gone]:
                del rows[task_id]
        self._taken.update(row.view.status for row in taken)
        self._taken_finished += sum(row.is_final for row in taken)
        return taken

    @property
    def ended_at_head(self) -> int:
        """How many rows have ended before the first one that has not."""
        return next((place for place, row in enumerate(self.rows) if not row.is_final), len(self.rows))

    def _update_row(self, row: Row, view: TaskView, now: float) -> None:
        if view.status != NOT_FOUND:
            row.view, row.missing_since, row.ended = view, None, now if view.is_final else None
            return
        row.missing_since = now if row.missing_since is None else row.missing_since
        if now - row.missing_since >= self._missing_seconds:
            row.view, row.ended = view, now

    @property
    def unfinished(self) -> list[str]:
        """Ids of tasks that are not final, in order."""
        return list(self._unfinished)

    @property
    def task_ids(self) -> list[str]:
        """Ids of all tasks, in order."""
        return list(self._by_id)

    @property
    def is_done(self) -> bool:
        """Whether every task is final."""
        return not self._unfinished

    @property
    def all_completed(self) -> bool:
        """Whether every prompt has its answer."""
        return self._taken.keys() <= {Status.COMPLETED} and all(row.view.is_completed for row in self.rows)

    @property
    def total(self) -> int:
        """How many rows there are and were."""
        return self._taken.total() + len(self.rows)

    @property
    def finished(self) -> int:
        """How many have ended, of all."""
        return self._taken_finished + sum(row.is_final for row in self.rows)

    def counts(self) -> Counter[str]:
        """How many rows are in each status, those that were taken off as they were then."""
        return self._taken + Counter(row.view.status for row in self.rows)

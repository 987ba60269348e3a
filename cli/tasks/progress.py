"""What a person should see of a board now; pure."""

from dataclasses import dataclass

from cli.tasks.board import Board, Row
from common.task import Status

# One line each up to here; beyond, the counts and the ones in flight.
MAX_LINES = 20
_MAX_IN_FLIGHT_LINES = 10

_WITH_DECIMAL_SECONDS = 10

# The order in which counts are read: the best end first, then what is still to come.
_ORDER = (
    Status.COMPLETED,
    Status.FAILED,
    Status.EXPIRED,
    Status.CANCELLED,
    "not_found",
    Status.PROCESSING,
    Status.QUEUED,
)


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """One task. `percent` is 0 to 100; `note` says why it failed, where it did; `text` is what it is just writing."""

    label: str
    status: str
    percent: float
    attempts: int
    elapsed_seconds: float | None
    note: str | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ProgressView:
    """The lines shown, and how many of all are how far. `in_flight_only` says that `lines` are only some of `total`.

    `has_more` says that `total` is of those that are known so far.
    """

    lines: tuple[ProgressLine, ...]
    in_flight_only: bool
    counts: tuple[tuple[str, int], ...]
    finished: int
    total: int
    has_more: bool = False

    @property
    def percent(self) -> float:
        """How many of all tasks are final."""
        return 100 * self.finished / self.total if self.total else 0.0


def progress_view(
    board: Board, total: int, now: float, *, one_line_each: bool = True, has_more: bool = False
) -> ProgressView:
    """The view at `now`, Unix seconds, of a board that will have `total` rows once all are submitted.

    Without `one_line_each` there are only the counts and some in flight, however few tasks there are.
    """
    counts = board.counts()
    in_flight_only = total > MAX_LINES or not one_line_each
    rows = board.rows
    if in_flight_only:
        rows = [row for row in rows if row.view.status == Status.PROCESSING][:_MAX_IN_FLIGHT_LINES]
    known = [(str(status), counts[status]) for status in _ORDER if counts[status]]
    others = sorted((status, count) for status, count in counts.items() if status not in _ORDER)
    return ProgressView(
        lines=tuple(_line(row, now) for row in rows),
        in_flight_only=in_flight_only,
        counts=tuple(known + others),
        finished=board.finished,
        total=total,
        has_more=has_more,
    )


def duration(seconds: float | None) -> str:
    """A length of time in few characters: 0.4 s, 12 s, 3m05s, 2h10m; empty for None."""
    if seconds is None:
        return ""
    # What rounds to 10.0 has no decimal.
    if round(seconds, 1) < _WITH_DECIMAL_SECONDS:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes_of_hour:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest} s"


def _line(row: Row, now: float) -> ProgressLine:
    return ProgressLine(
        label=row.label,
        status=row.view.status,
        percent=row.view.progress,
        attempts=row.view.attempts,
        elapsed_seconds=row.elapsed_seconds(now),
        note=None if row.view.is_completed else row.view.error,
        text="" if row.is_final else row.text,
    )

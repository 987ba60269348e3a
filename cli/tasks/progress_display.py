"""Progress on the terminal: repainted in place where there is one, else a line for each change."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.tasks.progress import ProgressView, duration
from cli.tasks.progress_bar import progress_bar, status_style
from cli.terminal_text import excerpt, printable

_BAR_WIDTH, _PERCENT_WIDTH, _STATUS_WIDTH, _ATTEMPTS_WIDTH, _ELAPSED_WIDTH = 12, 4, 10, 11, 7
_OVERALL_BAR_WIDTH = 40
# What 80 columns leave for the first of them.
_TEXT_WIDTH = 26
_LONGEST_LINE = 400
_SECONDS_BETWEEN_COUNTS = 2.0


class ProgressDisplay(Protocol):
    """Shows views as they come, and lines that are said beside them."""

    def show(self, view: ProgressView, now: float) -> None:
        """Show the view of the time `now`, Unix seconds."""

    def say(self, line: str) -> None:
        """Write a line that stays."""


def progress_display(console: Console) -> AbstractContextManager[ProgressDisplay]:
    """A display on `console`, live where it is a terminal."""
    return _live(console) if console.is_terminal else _plain(console)


@contextmanager
def _live(console: Console) -> Iterator[ProgressDisplay]:
    with Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        yield _LiveDisplay(live)


@contextmanager
def _plain(console: Console) -> Iterator[ProgressDisplay]:
    yield PlainDisplay(console)


class _LiveDisplay:
    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, view: ProgressView, now: float) -> None:  # noqa: ARG002 (repaints at each call)
        ascii_only = self._live.console.options.ascii_only
        # Below it an empty line, for the ^C that a terminal writes: it would push the last line out of its place.
        self._live.update(Group(render_progress(view, ascii_only=ascii_only), ""), refresh=True)

    def say(self, line: str) -> None:
        self._live.console.print(Text(printable(line)))


class PlainDisplay:
    """Says what changed: each task's moves, or of many tasks the counts from time to time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[int, tuple[str, float, int]] = {}
        self._counts: tuple[tuple[str, int], ...] = ()
        self._counted_at = float("-inf")

    def show(self, view: ProgressView, now: float) -> None:
        """Write the lines that differ from the last view's."""
        if view.in_flight_only:
            self._show_counts(view, now)
            return
        for number, line in enumerate(view.lines, start=1):
            state = (line.status, line.percent, line.attempts)
            if self._seen.get(number) != state:
                self._seen[number] = state
                note = f": {line.note}" if line.note else ""
                self.say(
                    f"[{number}/{view.total}] {line.status} {line.percent:g}%, {_attempts(line.attempts)}, "
                    f"{duration(line.elapsed_seconds)}{note}"
                )

    def say(self, line: str) -> None:
        """Write a line."""
        self._console.print(Text(excerpt(line, _LONGEST_LINE)), soft_wrap=True)

    def _show_counts(self, view: ProgressView, now: float) -> None:
        is_due = now - self._counted_at >= _SECONDS_BETWEEN_COUNTS or (
            view.finished == view.total and not view.has_more
        )
        if is_due and view.counts != self._counts:
            self._counts, self._counted_at = view.counts, now
            self.say(f"{view.finished} of {_total(view, '')} done: {_counts(view)}")


def render_progress(view: ProgressView, *, ascii_only: bool) -> RenderableType:
    """The view as it is painted on a terminal."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    # Widths of their own: columns that follow their content would jump.
    table.add_column(width=_BAR_WIDTH, no_wrap=True)
    table.add_column(width=_PERCENT_WIDTH, justify="right", no_wrap=True)
    table.add_column(width=_STATUS_WIDTH, no_wrap=True)
    table.add_column(width=_ATTEMPTS_WIDTH, no_wrap=True)
    table.add_column(width=_ELAPSED_WIDTH, justify="right", no_wrap=True)
    for line in view.lines:
        style = status_style(line.status)
        table.add_row(
            Text(line.label),
            progress_bar(line.percent, _BAR_WIDTH, style, ascii_only=ascii_only),
            f"{line.percent:.0f}%",
            Text(line.status, style),
            _attempts(line.attempts),
            duration(line.elapsed_seconds),
        )
        if line.text:
            table.add_row(Text(_end_of(line.text), "dim"))
    if not view.in_flight_only:
        return table
    overall = Text.assemble(
        progress_bar(view.percent, _OVERALL_BAR_WIDTH, "green", ascii_only=ascii_only),
        f"  {view.finished:,} of {_total(view, ',')} done",
    )
    return Group(overall, Text(_counts(view), "dim"), table)


def _end_of(text: str) -> str:
    """The last words of a text that goes on, as many as fit beside the bars."""
    line = " ".join(printable(text).split())
    return line if len(line) <= _TEXT_WIDTH else "…" + line[1 - _TEXT_WIDTH :]


def _total(view: ProgressView, separator: str) -> str:
    return f"{view.total:{separator}}{' and more' if view.has_more else ''}"


def _attempts(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


def _counts(view: ProgressView) -> str:
    return ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in view.counts)

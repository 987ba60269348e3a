"""What a person sees while the stack starts: live lines on a terminal, plain ones where there is none."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cli.standard_output import OutputLost

_MEGABYTE = 1_000_000
_PLAIN_EVERY_PERCENT = 25


class Step(Protocol):
    """One part that is being started."""

    def doing(self, what: str) -> None:
        """Say what is done for it now."""

    def expect(self, total_bytes: int) -> None:
        """Say that a download of this size begins."""

    def arrived(self, count_bytes: int) -> None:
        """Count bytes of the download."""


class Display(Protocol):
    """Where the steps are shown."""

    def step(self, name: str) -> AbstractContextManager[Step]:
        """Show a step until the body ends; it is ready when that ended well."""

    def say(self, line: str) -> None:
        """Print one line."""

    def finish(self) -> None:
        """Show no more steps; lines can still be said."""


def display(console: Console) -> AbstractContextManager[Display]:
    """Return the display that fits the console; it shows its steps until it is left."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


def _print(console: Console, line: str) -> None:
    # A terminal that was closed has no reader; the children are still to be drained.
    with suppress(OutputLost):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


class PlainDisplay:
    """Prints a line when a step begins, at each quarter of a download, and when the step is ready."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.finish()

    def finish(self) -> None:
        """Nothing is held."""

    def say(self, line: str) -> None:
        """Print one line."""
        _print(self._console, line)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Print how the step goes."""
        began = time.monotonic()
        yield _PlainStep(name, self)
        self.say(f"{name}: ready after {time.monotonic() - began:.1f} s")


class _PlainStep:
    def __init__(self, name: str, shown_by: PlainDisplay) -> None:
        self._name = name
        self._display = shown_by
        self._total_bytes = 0
        self._arrived_bytes = 0
        self._said_percent = 0

    def doing(self, what: str) -> None:
        self._display.say(f"{self._name}: {what}")

    def expect(self, total_bytes: int) -> None:
        self._total_bytes = total_bytes
        self.doing(f"downloading {total_bytes / _MEGABYTE:.0f} MB")

    def arrived(self, count_bytes: int) -> None:
        self._arrived_bytes += count_bytes
        percent = 100 * self._arrived_bytes // self._total_bytes
        if percent >= self._said_percent + _PLAIN_EVERY_PERCENT:
            self._said_percent = percent - percent % _PLAIN_EVERY_PERCENT
            self.doing(f"{self._said_percent} % of {self._total_bytes / _MEGABYTE:.0f} MB")


class LiveDisplay:
    """Shows every step on a line of its own that changes in place."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:<10}"),
            TextColumn("{task.fields[what]}", markup=False),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=console,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.finish()

    def finish(self) -> None:
        """Leave the steps as they are."""
        self._progress.stop()

    def say(self, line: str) -> None:
        """Print one line above the steps."""
        _print(self._progress.console, line)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show how the step goes."""
        row = self._progress.add_task(name, total=None, what="")
        yield _LiveStep(self._progress, row)
        self._progress.update(row, what="ready", total=1, completed=1)


class _LiveStep:
    def __init__(self, progress: Progress, row: TaskID) -> None:
        self._progress = progress
        self._row = row

    def doing(self, what: str) -> None:
        self._progress.update(self._row, what=what, total=None)

    def expect(self, total_bytes: int) -> None:
        self._progress.update(
            self._row, what=f"downloading {total_bytes / _MEGABYTE:.0f} MB", total=total_bytes, completed=0
        )

    def arrived(self, count_bytes: int) -> None:
        self._progress.advance(self._row, count_bytes)

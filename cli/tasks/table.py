from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from cli.tasks.board import Row
from cli.tasks.progress import duration
from cli.tasks.progress_bar import progress_bar, status_style
from cli.terminal_text import excerpt, printable

# With two spaces between them the columns fill 80 characters, ids of 36 included.
_ID, _STATUS, _BAR, _PERCENT, _ATTEMPTS, _ELAPSED = 36, 10, 8, 4, 5, 7

_SHORTEST_EXCERPT = 20


def show_tasks(console: Console, rows: Sequence[Row], now: float) -> None:
    """Print each task on two lines: where it stands, then when it was accepted and what came of it."""
    heading = _line("task", Text("status"), Text(f"{'progress':<{_BAR}}"), percent="", attempts="tries", elapsed="took")
    heading.stylize("bold")
    console.print(heading, soft_wrap=True)
    for row in rows:
        for line in _task_lines(row, now, console.width, ascii_only=console.options.ascii_only):
            console.print(line, soft_wrap=True)


def _task_lines(row: Row, now: float, width: int, *, ascii_only: bool) -> Iterator[Text]:
    view = row.view
    style = status_style(view.status)
    yield _line(
        row.label,
        Text(view.status, style),
        progress_bar(view.progress, _BAR, style, ascii_only=ascii_only),
        percent=f"{view.progress:.0f}%",
        attempts=str(view.attempts),
        elapsed=duration(row.elapsed_seconds(now)),
    )
    accepted = "" if view.created_at is None else f"{datetime.fromtimestamp(view.created_at).astimezone():%F %T}  "
    outcome = (view.result if view.is_completed else view.error) or ""
    if accepted or outcome:
        indent = "  " + accepted
        yield Text.assemble((indent, "dim"), excerpt(outcome, max(width - len(indent), _SHORTEST_EXCERPT)))


def _line(task_id: str, status: Text, bar: Text, *, percent: str, attempts: str, elapsed: str) -> Text:
    status.pad_right(_STATUS - len(status))
    return Text.assemble(
        f"{printable(task_id):<{_ID}}  ",
        status,
        "  ",
        bar,
        f" {percent:>{_PERCENT}}  {attempts:>{_ATTEMPTS}}  {elapsed:>{_ELAPSED}}",
    )

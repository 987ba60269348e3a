from rich.text import Text

from common.task import Status

_STYLES = {
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.EXPIRED: "red",
    Status.CANCELLED: "yellow",
    Status.PROCESSING: "cyan",
    Status.QUEUED: "dim",
}


def status_style(status: str) -> str:
    """The colour of a status; red where it is none of a task under way, and no result."""
    return _STYLES[Status(status)] if status in _STYLES else "red"


def progress_bar(percent: float, width: int, style: str, *, ascii_only: bool) -> Text:
    """`width` cells, the first of them full; `ascii_only` for terminals that have no other characters."""
    full, rest = ("#", ".") if ascii_only else ("━", "─")
    cells = round(width * min(max(percent, 0), 100) / 100)
    return Text.assemble((full * cells, style), (rest * (width - cells), "dim"))

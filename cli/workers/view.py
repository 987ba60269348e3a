"""Workers for people: a line each, and why one does not work."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.terminal_text import printable

_STYLES = {"working": "green", "hindered": "yellow", "silent": "red"}


def show_workers(console: Console, workers: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of the workers, then what hinders those that are hindered."""
    if not workers:
        console.print("no worker was heard of in the last minute")
        return
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("worker", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for column in ("busy", "waiting", "partitions", "lag", "done", "failed", "heard"):
        table.add_column(column, justify="right", no_wrap=True)
    for worker in workers:
        table.add_row(*_row(worker))
    console.print(table)
    for worker in workers:
        for hindrance in worker.get("hindrances") or ():
            console.print(Text(f"{_text(worker, 'worker')}: {printable(str(hindrance))}", "yellow"), soft_wrap=True)


def _row(worker: Mapping[str, Any]) -> list[str | Text]:
    state = _text(worker, "state")
    partitions, tasks = worker.get("partitions") or [], worker.get("tasks") or {}
    lags = [partition.get("lag") for partition in partitions]
    age = worker.get("heartbeat_age_seconds")
    return [
        _text(worker, "worker"),
        Text(state, _STYLES.get(state, "")),
        f"{_text(worker, 'in_flight')}/{_text(worker, 'concurrency')}",
        _text(worker, "waiting"),
        str(len(partitions)),
        f"{sum(lag for lag in lags if lag is not None):,}",
        f"{tasks.get('completed', 0):,}",
        f"{tasks.get('failed', 0):,}",
        "-" if age is None else f"{age:.0f} s ago",
    ]


def _text(worker: Mapping[str, Any], name: str) -> str:
    value = worker.get(name)
    return "-" if value is None else printable(str(value))

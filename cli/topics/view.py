"""What a topic's report looks like, for people and for programs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.terminal_text import printable
from common.topic_report import GroupLag, NewestRecord, TopicReport

# Of a record of ours its key, and what all records of a topic have alike.
_TOLD_ANYWAY = frozenset({"task-id", "content-type"})


def show_reports(
    console: Console, names: Sequence[str], reports: Sequence[TopicReport | None], *, prefix: str, with_value: bool
) -> None:
    """Print a table of the topics, the groups, then each topic's newest record; its value only when asked for.

    `prefix` is what the name of every topic and group begins with.
    """
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("topic", no_wrap=True)
    for column in ("partitions", "replicas", "records"):
        table.add_column(column, justify="right")
    table.add_column("lag of group", no_wrap=True)
    for name, report in zip(names, reports, strict=True):
        if report is None:
            table.add_row(name, Text("not there yet: a service makes it when it starts", "yellow"))
            continue
        table.add_row(
            name,
            str(report.partitions),
            _replicas(report),
            f"{report.records:,}",
            Text("\n").join(Text(f"{lag.records:,} {_short(lag.group, prefix)}", _style(lag)) for lag in report.lags),
        )
    console.print(table)
    members = {lag.group: lag.members for report in reports if report is not None for lag in report.lags}
    for group, count in members.items():
        console.print(Text(f"group {_short(group, prefix)} is {group}, {count} member{'' if count == 1 else 's'}"))
    for report in reports:
        if report is not None and report.newest is not None:
            _show_newest(console, report.name, report.newest, with_value=with_value)


def as_json_object(name: str, report: TopicReport | None, *, with_value: bool) -> dict[str, Any]:
    """The report as JSON; times in Unix seconds UTC, bytes that are no text as hexadecimal."""
    if report is None:
        return {"topic": name, "exists": False}
    newest = None if report.newest is None else record_as_json(report.newest, with_value=with_value)
    return {
        "topic": name,
        "exists": True,
        "partitions": report.partitions,
        "replication": report.replication,
        "in_sync": report.in_sync,
        "records": report.records,
        "lags": [{"group": lag.group, "records": lag.records, "members": lag.members} for lag in report.lags],
        "newest": newest,
    }


def record_as_json(record: NewestRecord, *, with_value: bool) -> dict[str, Any]:
    """The same of one record."""
    shown: dict[str, Any] = {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _text(record.key),
        "headers": {name: _text(value) for name, value in record.headers},
        "size": record.size,
    }
    if with_value:
        shown["value"] = _value(record.value)
    return shown


def show_record(console: Console, record: NewestRecord, *, with_value: bool) -> None:
    """One record of many: a line of what it is, and its value below when asked for."""
    when = datetime.fromtimestamp(record.timestamp).astimezone()
    headers = " ".join(f"{name}={_text(value) or ''}" for name, value in record.headers if name not in _TOLD_ANYWAY)
    console.print(
        Text.assemble(
            (f"{when:%F %T}.{when.microsecond // 1000:03d}", "dim"),
            f"  {record.partition}-{record.offset}  {printable(_text(record.key) or '(no key)')}",
            f"  {record.size:,} bytes" if record.value is not None else "  (forgotten)",
            (f"  {printable(headers)}" if headers else "", "dim"),
        ),
        soft_wrap=True,
    )
    if with_value and record.value is not None:
        value = json.dumps(_value(record.value), ensure_ascii=False)
        console.print(Text(f"  {printable(value)}"), soft_wrap=True)


def _replicas(report: TopicReport) -> Text:
    if report.in_sync < report.replication:
        return Text(f"{report.replication} ({report.in_sync} in sync)", "yellow")
    return Text(str(report.replication))


def _short(group: str, prefix: str) -> str:
    return group.removeprefix(prefix)


def _style(lag: GroupLag) -> str:
    nobody_works = lag.members == 0 and lag.records > 0
    return "yellow" if nobody_works else ""


def _show_newest(console: Console, name: str, record: NewestRecord, *, with_value: bool) -> None:
    when = datetime.fromtimestamp(record.timestamp, UTC).isoformat(timespec="milliseconds")
    console.print()
    console.print(Text.assemble((name, "bold"), ": newest record"))
    console.print(Text(f"  time       {when}"))
    console.print(Text(f"  at         partition {record.partition}, offset {record.offset}"))
    console.print(Text(f"  key        {printable(_text(record.key) or '(none)')}"))
    for header, value in record.headers:
        console.print(Text(f"  header     {printable(header)}: {printable(_text(value) or '')}"))
    console.print(Text(f"  size       {record.size:,} bytes"))
    if with_value:
        shown = json.dumps(_value(record.value), indent=2, ensure_ascii=False)
        # Neither wrapped nor cut, so that it can be copied.
        console.print(Text(printable(shown)), soft_wrap=True)


def _value(value: bytes | None) -> Any:
    """The value as the JSON it should be, else as text."""
    try:
        return None if value is None else json.loads(value)
    except ValueError:
        return _text(value)


def _text(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.hex()

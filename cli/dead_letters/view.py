"""Dead letters, and what became of them, for people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.terminal_text import excerpt, printable

# Beside each other they fill 80 characters, ids of 36 included.
_POSITION, _TASK, _CODE = 10, 36, 30
_SHORTEST_EXCERPT = 20
_BAD = frozenset({"unreadable", "missing", "too_large"})
_DONE = frozenset({"started", "again"})


def show_letters(console: Console, letters: Sequence[Mapping[str, Any]]) -> None:
    """Two lines each: position, task and error code; then when, whose and why."""
    console.print(Text(f"{'letter':<{_POSITION}}  {'task':<{_TASK}}  error", "bold"), soft_wrap=True)
    for letter in letters:
        console.print(
            Text(
                f"{_text(letter, 'id'):<{_POSITION}}  {_text(letter, 'task_id'):<{_TASK}}  "
                f"{excerpt(_text(letter, 'error_code'), _CODE)}"
            ),
            soft_wrap=True,
        )
        indent = f"  {_time(letter.get('failed_at'))}  {excerpt(_text(letter, 'tenant'), 20)}  "
        reason = excerpt(_text(letter, "reason"), max(console.width - len(indent), _SHORTEST_EXCERPT))
        console.print(Text.assemble((indent, "dim"), reason), soft_wrap=True)


def show_letter(console: Console, letter: Mapping[str, Any]) -> None:
    """Everything of a letter, its content last, neither wrapped nor cut."""
    for line in _lines(letter):
        console.print(Text(printable(line)), soft_wrap=True)
    value = letter.get("value")
    shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    console.print()
    console.print(Text(printable(shown)), soft_wrap=True)


def item_line(item: Mapping[str, Any]) -> Text:
    """What became of a letter."""
    status = _text(item, "status")
    style = "red" if status in _BAD else "green" if status in _DONE else "yellow"
    run = item.get("run")
    return Text.assemble(
        f"{_text(item, 'id'):<{_POSITION}}  {_text(item, 'task_id'):<{_TASK}}  ",
        (printable(status), style),
        f", run {run}" if isinstance(run, int) else "",
    )


def has_failed(item: Mapping[str, Any]) -> bool:
    """Whether an operator must look at the letter: asking again would change nothing."""
    return item.get("status") in _BAD


def _lines(letter: Mapping[str, Any]) -> Iterator[str]:
    yield f"letter    {_text(letter, 'id')}, written {_time(letter.get('written_at'))}"
    run = letter.get("run")
    yield f"task      {_text(letter, 'task_id')}{f', run {run}' if isinstance(run, int) else ''}"
    yield f"tenant    {_text(letter, 'tenant')}"
    yield f"failed    {_time(letter.get('failed_at'))}"
    yield f"error     {_text(letter, 'error_code')}"
    yield f"reason    {_text(letter, 'reason')}"
    source = letter.get("source")
    if isinstance(source, dict):
        yield f"source    {source.get('topic')}, partition {source.get('partition')}, offset {source.get('offset')}"
    yield f"key       {_text(letter, 'key')}"
    for name, content in letter["headers"].items():
        yield f"header    {name}: {content}"
    size = letter.get("size_bytes")
    of_what = "of a reference to the original" if letter.get("by_reference") else f"as {letter.get('value_encoding')}"
    yield f"value     {size} bytes, {of_what}"


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return "-" if value is None else printable(str(value))


def _time(value: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(value).astimezone():%F %T}"
    except (TypeError, ValueError, OverflowError, OSError):
        return "-"

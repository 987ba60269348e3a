"""What a command about tasks leaves on standard output."""

from collections.abc import Sequence
from typing import Any, TextIO

from cli.json_lines import write_json_lines
from cli.tasks.board import Board, Row
from cli.terminal_text import printable


def write_answers(output: TextIO, board: Board) -> None:
    """Every answer in the order of the prompts: the text alone for one prompt, under its prompt's line for several."""
    # A file gets the model's text as it is, a terminal without what would control it.
    shown = printable if output.isatty() else str
    total = len(board.rows)
    for number, row in enumerate(board.rows, start=1):
        if number > 1:
            output.write("\n")
        if total > 1:
            output.write(f"[{number}/{total}] {row.label}\n")
        output.write(shown(_outcome(row)).rstrip("\n") + "\n")


def write_jsonl(output: TextIO, rows: Sequence[Row]) -> None:
    """One JSON object a line, in the order of the prompts: each task as the API shows it, and its custom_id."""
    write_json_lines(output, map(_document, rows))


def _document(row: Row) -> dict[str, Any]:
    return row.view.answer if row.custom_id is None else {"custom_id": row.custom_id, **row.view.answer}


def _outcome(row: Row) -> str:
    if row.view.is_completed:
        return row.view.result or ""
    status = row.view.status.replace("_", " ")
    return f"({status}: {row.view.error})" if row.view.error else f"({status})"

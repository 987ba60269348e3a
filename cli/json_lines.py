"""One JSON object a line, as every command writes it with `--json`."""

import codecs
import json
from collections.abc import Iterable
from typing import Any, TextIO

from cli.terminal_text import escaped_json


def write_json_lines(output: TextIO, values: Iterable[Any]) -> None:
    """Write a line for each value; all of them have left this process at the end.

    A file or a pipe gets texts as they are, a terminal without what would control it: escaped, which is the same JSON.
    """
    shown = escaped_json if output.isatty() else str
    # In another character set what it lacks would be written as no JSON has it.
    ascii_only = codecs.lookup(output.encoding or "utf-8").name != "utf-8"
    output.writelines(shown(json.dumps(value, ensure_ascii=ascii_only)) + "\n" for value in values)
    output.flush()

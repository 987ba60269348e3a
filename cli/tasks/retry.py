"""`promptmill retry`: run tasks again that ended without an answer."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.addresses import ApiAddress
from cli.api.link import ApiLink
from cli.api.operator import ask_as_operator
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.json_lines import write_json_lines
from cli.terminal_text import printable

_PATH = "/v1/operator/tasks/retry"
# The API's own bound.
_IDS_A_REQUEST = 100
_STARTED = frozenset({"started", "again"})
_IN_DOUBT = "run this again: nothing starts twice"


def retry(task_ids: Sequence[str], address: ApiAddress, *, as_json: bool) -> ExitCode:
    """Start another run of the tasks; what became of each on standard output, in the order given.

    `OK` when each was started; `NOT_COMPLETED` when some have their answer, have not ended or are not known.

    Raises:
        CommandError: The API refused a request or does not answer. Some may be started; repeating does no harm.
    """
    console = Console(stderr=True, highlight=False)
    entries = ask_as_operator(address, console, partial(_retry, task_ids))
    if entries is None:
        return ExitCode.INTERRUPTED
    if as_json:
        write_json_lines(sys.stdout, entries)
    else:
        output = Console(highlight=False)
        for entry in entries:
            output.print(_line(entry), soft_wrap=True)
    counts = Counter(entry["status"].replace("_", " ") for entry in entries)
    console.print(Text(", ".join(f"{count:,} {status}" for status, count in counts.most_common())), soft_wrap=True)
    started = all(entry["status"] in _STARTED for entry in entries)
    return ExitCode.OK if started else ExitCode.NOT_COMPLETED


async def _retry(task_ids: Sequence[str], link: ApiLink, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for begin in range(0, len(task_ids), _IDS_A_REQUEST):
        some = task_ids[begin : begin + _IDS_A_REQUEST]
        body = json.dumps({"task_ids": list(some)}).encode()
        answer = await link.ask("POST", _PATH, body=body, headers=headers, in_doubt=_IN_DOUBT)
        tasks = answer.get("tasks") if isinstance(answer, dict) else None
        if not isinstance(tasks, list) or len(tasks) != len(some) or not all(map(_is_entry, tasks)):
            raise CommandError(f"{link.where} does not answer as Promptmill does", ExitCode.USAGE)
        entries += tasks
    return entries


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("task_id"), str) and isinstance(entry.get("status"), str)


def _line(entry: Mapping[str, Any]) -> Text:
    status, run = entry["status"], entry.get("run")
    style = "green" if status in _STARTED else "yellow"
    return Text.assemble(
        f"{printable(entry['task_id']):<36}  ",
        (printable(status), style),
        f", run {run}" if isinstance(run, int) else "",
    )

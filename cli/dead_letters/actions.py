"""`promptmill dead-letters`: list them, show one, redrive."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from cli.addresses import ApiAddress
from cli.api.operator import ask_as_operator
from cli.dead_letters.client import DeadLetterClient, LettersPage
from cli.dead_letters.moments import parse_moment
from cli.dead_letters.view import has_failed, item_line, show_letter, show_letters
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.json_lines import write_json_lines
from common.task import parse_task_id

_LETTERS_PER_PAGE = 200
# The API's own bounds.
_POSITIONS_A_REQUEST, _TASK_IDS_A_REQUEST = 100, 1_000
_SECONDS_BETWEEN_LINES = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant, as the API has it."""

    fields: dict[str, Any]

    @property
    def params(self) -> dict[str, str]:
        """The fields of a query."""
        return {name: str(value) for name, value in self.fields.items()}


def wanted_letters(
    *,
    reason: str | None,
    error_code: str | None,
    tenant: str | None,
    since: str | None,
    until: str | None,
    now: float,
) -> Wanted:
    """The options of a command; times are seconds before `now`, or dates.

    Raises:
        CommandError: A time is none.
    """
    fields: dict[str, Any] = {"reason": reason, "error_code": error_code, "tenant": tenant}
    for name, text in (("since", since), ("until", until)):
        fields[name] = None if text is None else parse_moment(text, now)
        if text is not None and fields[name] is None:
            raise CommandError(
                f"--{name} should be 30m, 2h or 7d ago, or a date such as 2026-11-23T08:00: {text!r}", ExitCode.USAGE
            )
    return Wanted({name: value for name, value in fields.items() if value is not None})


def list_letters(wanted: Wanted, address: ApiAddress, *, limit: int, after: str | None, as_json: bool) -> ExitCode:
    """Write at most `limit` letters to standard output, oldest first.

    Raises:
        CommandError: The API refused the request or does not answer.
    """
    return _run(_list(wanted, limit, after, as_json=as_json), address)


def show(names: Sequence[str], address: ApiAddress, *, as_json: bool) -> ExitCode:
    """Write letters with their content: by position, or all of a task by its id; `NOT_COMPLETED` when some are unknown.

    Raises:
        CommandError: The API refused the request or does not answer.
    """
    return _run(_show(names, as_json=as_json), address)


def redrive(
    names: Sequence[str], wanted: Wanted, address: ApiAddress, *, everything: bool, dry_run: bool, as_json: bool
) -> ExitCode:
    """Redrive letters by position, by task id, by what is wanted, or all; what became of each on standard output.

    Raises:
        CommandError: It is not said clearly which; the API refused a request or does not answer.
    """
    ways = [bool(names), bool(wanted.fields), everything]
    if sum(ways) != 1:
        which = "positions or task ids, or filters, or --all"
        raise CommandError(f"say which letters in one way: {which}; --dry-run only looks", ExitCode.USAGE)
    return _run(_redrive(names, wanted, everything=everything, dry_run=dry_run, as_json=as_json), address)


_Command = Callable[[DeadLetterClient, Console], Coroutine[Any, Any, ExitCode]]


def _run(command: _Command, address: ApiAddress) -> ExitCode:
    console = Console(stderr=True, highlight=False)
    ended = ask_as_operator(address, console, lambda link, headers: command(DeadLetterClient(link, headers), console))
    return ExitCode.INTERRUPTED if ended is None else ended


def _list(wanted: Wanted, limit: int, after: str | None, *, as_json: bool) -> _Command:
    async def run(client: DeadLetterClient, console: Console) -> ExitCode:
        letters: list[dict[str, Any]] = []
        following = after
        while True:
            page_limit = min(limit - len(letters), _LETTERS_PER_PAGE)
            page = await client.list(wanted.params, limit=page_limit, after=following)
            letters += page.entries
            following = page.next
            if following is None or len(letters) >= limit:
                break
        if as_json:
            write_json_lines(sys.stdout, letters)
        elif letters:
            show_letters(Console(highlight=False), letters)
        if following is not None:
            console.print(Text(f"{page.remaining:,} more to look at: --after {following}"), soft_wrap=True)
        elif not letters:
            console.print("no dead letters")
        return ExitCode.OK

    return run


def _show(names: Sequence[str], *, as_json: bool) -> _Command:
    async def run(client: DeadLetterClient, console: Console) -> ExitCode:
        unknown = 0
        for name in names:
            positions = [name] if parse_task_id(name) is None else await _positions_of(client, name)
            if not positions:
                console.print(Text(f"no dead letter of task {name}"))
                unknown += 1
            for position in positions:
                letter = await client.show(position)
                if letter is None:
                    console.print(Text(f"no dead letter at {position}"))
                    unknown += 1
                    continue
                if as_json:
                    write_json_lines(sys.stdout, [letter])
                else:
                    show_letter(Console(highlight=False), letter)
        return ExitCode.NOT_COMPLETED if unknown else ExitCode.OK

    return run


async def _positions_of(client: DeadLetterClient, task_id: str) -> list[str]:
    positions: list[str] = []
    following: str | None = None
    while True:
        page = await client.list({"task_id": task_id}, limit=_LETTERS_PER_PAGE, after=following)
        positions += [letter["id"] for letter in page.entries]
        following = page.next
        if following is None:
            return positions


def _redrive(names: Sequence[str], wanted: Wanted, *, everything: bool, dry_run: bool, as_json: bool) -> _Command:
    task_ids = [name for name in names if parse_task_id(name) is not None]
    positions = [name for name in names if parse_task_id(name) is None]
    requests: list[dict[str, Any]] = [
        {"positions": positions[begin : begin + _POSITIONS_A_REQUEST]}
        for begin in range(0, len(positions), _POSITIONS_A_REQUEST)
    ]
    requests += [
        {"task_ids": task_ids[begin : begin + _TASK_IDS_A_REQUEST]}
        for begin in range(0, len(task_ids), _TASK_IDS_A_REQUEST)
    ]
    if wanted.fields:
        requests.append(dict(wanted.fields))
    if everything:
        requests.append({"all": True})

    async def run(client: DeadLetterClient, console: Console) -> ExitCode:
        outcome = _Outcome(Console(highlight=False), as_json=as_json)
        with _Looking(console) as looking:
            for request in requests:
                following: str | None = None
                while True:
                    page = await client.redrive({**request, "dry_run": dry_run, "limit": 200}, after=following)
                    outcome.take(page)
                    looking.show(page, outcome.counts)
                    following = page.next
                    if following is None:
                        break
        missing = {parse_task_id(name) for name in task_ids} - outcome.task_ids
        for task_id in sorted(filter(None, missing)):
            console.print(Text(f"no dead letter of task {task_id}"))
        told = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in outcome.counts.most_common())
        console.print(Text(f"{'a dry run, nothing done: ' if dry_run else ''}{told or 'no dead letters'}"))
        return ExitCode.NOT_COMPLETED if outcome.failed or missing else ExitCode.OK

    return run


class _Outcome:
    """What became of the letters so far, written as it comes."""

    def __init__(self, output: Console, *, as_json: bool) -> None:
        self.counts: Counter[str] = Counter()
        self.task_ids: set[str | None] = set()
        self.failed = False
        self._output = output
        self._as_json = as_json

    def take(self, page: LettersPage) -> None:
        """Count a page and write a line for each letter."""
        for item in page.entries:
            self.counts[str(item.get("status"))] += 1
            self.task_ids.add(item.get("task_id"))
            self.failed = self.failed or has_failed(item)
        if self._as_json:
            write_json_lines(sys.stdout, page.entries)
            return
        for item in page.entries:
            self._output.print(item_line(item), soft_wrap=True)
        sys.stdout.flush()


class _Looking:
    """How far the topic has been looked at: a bar on a terminal, else a line from time to time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._looked = 0
        self._said_at = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # What goes to a file must not go through the display.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._bar = self._progress.add_task("dead letters")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def show(self, page: LettersPage, counts: Counter[str]) -> None:
        """Another page was done."""
        self._looked += page.scanned
        total = self._looked + page.remaining
        self._progress.update(self._bar, completed=self._looked, total=total)
        now = time.monotonic()
        if not self._console.is_terminal and page.next is not None and now - self._said_at >= _SECONDS_BETWEEN_LINES:
            self._said_at = now
            done = f"{self._looked:,} of {total:,} dead letters looked at, {counts.total():,} redriven or told apart"
            self._console.print(done, soft_wrap=True)

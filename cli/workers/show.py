"""`promptmill workers`: how each worker is."""

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from cli.addresses import ApiAddress
from cli.api.link import ApiLink
from cli.api.operator import ask_as_operator
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.json_lines import write_json_lines
from cli.workers.view import show_workers

_PATH = "/v1/operator/workers"


def show(address: ApiAddress, *, as_json: bool) -> ExitCode:
    """Write the workers to standard output; `NOT_COMPLETED` when none is working.

    Raises:
        CommandError: The API refused the request or does not answer.
    """
    workers = ask_as_operator(address, Console(stderr=True, highlight=False), _read)
    if workers is None:
        return ExitCode.INTERRUPTED
    if as_json:
        write_json_lines(sys.stdout, workers)
    else:
        show_workers(Console(highlight=False), workers)
    works = any(worker.get("state") == "working" for worker in workers)
    return ExitCode.OK if works else ExitCode.NOT_COMPLETED


async def _read(link: ApiLink, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    answer = await link.ask("GET", _PATH, headers=headers)
    workers = answer.get("workers") if isinstance(answer, dict) else None
    if not isinstance(workers, list) or not all(isinstance(worker, dict) for worker in workers):
        raise CommandError(f"{link.where} does not answer as Promptmill does", ExitCode.USAGE)
    return workers

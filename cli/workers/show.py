"""`promptmill workers`: how each worker is."""

import asyncio
import json
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.addresses import ApiAddress
from cli.api.link import linked_api
from cli.api.operator import operator_headers
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.workers.view import show_workers

_PATH = "/v1/operator/workers"


def show(address: ApiAddress, *, as_json: bool) -> ExitCode:
    """Write the workers to standard output; `NOT_COMPLETED` when none is working.

    Raises:
        CommandError: The API refused the request or does not answer.
    """
    console = Console(stderr=True, highlight=False)
    headers = operator_headers(address)

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    async def run() -> list[dict[str, Any]]:
        async with linked_api(address, say) as link:
            answer = await link.ask("GET", _PATH, headers=headers)
            workers = answer.get("workers") if isinstance(answer, dict) else None
            if not isinstance(workers, list) or not all(isinstance(worker, dict) for worker in workers):
                raise CommandError(f"{link.where} does not answer as Promptmill does", ExitCode.USAGE)
            return workers

    say(f"API {address.value} ({address.source})")
    try:
        workers = asyncio.run(run())
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    if as_json:
        sys.stdout.writelines(json.dumps(worker) + "\n" for worker in workers)
    else:
        show_workers(Console(highlight=False), workers)
    works = any(worker.get("state") == "working" for worker in workers)
    return ExitCode.OK if works else ExitCode.NOT_COMPLETED

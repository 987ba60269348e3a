"""Options that several commands have."""

from collections.abc import Sequence
from typing import Annotated

import typer

from common.task import Lane, Status

ApiOption = Annotated[str | None, typer.Option("--api", metavar="URL", help="The API's address.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")]


def list_filters(statuses: Sequence[Status], lane: Lane | None, model: str | None) -> dict[str, str]:
    """The API's filters of a list of tasks, those that are given."""
    given = {
        "status": ",".join(status.value for status in statuses),
        "lane": "" if lane is None else lane.value,
        "model": model or "",
    }
    return {name: value for name, value in given.items() if value}

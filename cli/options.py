"""Options that several commands have."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.addresses import ApiAddress, api_address
from cli.profiles import PROFILE_VARIABLE, profile_names, profiles_file
from common.task import Lane, Status

ApiOption = Annotated[str | None, typer.Option("--api", metavar="URL", help="The API's address.")]


def _complete_profiles(incomplete: str) -> list[str]:
    return [name for name in profile_names(profiles_file(os.environ)) if name.startswith(incomplete)]


ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help=f"An API of your profiles.toml; {PROFILE_VARIABLE} where it is not given.",
        autocompletion=_complete_profiles,
    ),
]
TaskIdsArgument = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of tasks.")]
IdsFileOption = Annotated[
    Path | None, typer.Option("--file", "-f", metavar="FILE", help="Ids, one a line; '-' is standard input.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")]


def chosen_api(api: str | None, profile: str | None) -> ApiAddress:
    """The API that a command's options and this process's environment name; what is amiss is said.

    Raises:
        CommandError: as `api_address`.
    """
    address = api_address(api, os.environ, Path(), profile=profile)
    if address.warning is not None:
        print(f"promptmill: {address.warning}", file=sys.stderr)
    return address


def list_filters(statuses: Sequence[Status], lane: Lane | None, model: str | None) -> dict[str, str]:
    """The API's filters of a list of tasks, those that are given."""
    given = {
        "status": ",".join(status.value for status in statuses),
        "lane": "" if lane is None else lane.value,
        "model": model or "",
    }
    return {name: value for name, value in given.items() if value}

"""Options that several commands have."""

from typing import Annotated

import typer

ApiOption = Annotated[str | None, typer.Option("--api", metavar="URL", help="The API's address.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")]

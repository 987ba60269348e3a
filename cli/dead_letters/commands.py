"""The options of `promptmill dead-letters`."""

import time
from typing import Annotated

import typer

from cli.options import ApiOption, JsonOption, ProfileOption, chosen_api

_HELP = """Records that will not be tried again: why, whose, and another run for them.

From another machine than the API's, PROMPTMILL_API__OPERATOR_TOKEN (or its _FILE) opens.
"""

ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="A part of the reason.")]
CodeOption = Annotated[str | None, typer.Option("--error-code", metavar="CODE", help="Such as model_error.")]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="Whose.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Failed then or later: 30m, 2h or 7d ago, or a date.")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Failed then or earlier.")]


def dead_letter_commands() -> typer.Typer:
    """The commands, nothing of them run yet."""
    app = typer.Typer(help=_HELP, no_args_is_help=True)
    app.command("list")(_list)
    app.command("show")(_show)
    app.command("redrive")(_redrive)
    return app


def _list(
    *,
    reason: ReasonOption = None,
    error_code: CodeOption = None,
    tenant: TenantOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 50,
    after: Annotated[str | None, typer.Option("--after", metavar="CURSOR", help="Where the last list ended.")] = None,
    api: ApiOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List them, oldest first, without their content."""
    from cli.dead_letters.actions import list_letters, wanted_letters  # noqa: PLC0415 (start-up time)

    wanted = wanted_letters(
        reason=reason, error_code=error_code, tenant=tenant, since=since, until=until, now=time.time()
    )
    address = chosen_api(api, profile)
    raise typer.Exit(list_letters(wanted, address, limit=limit, after=after, as_json=as_json))


def _show(
    names: Annotated[list[str], typer.Argument(metavar="LETTER...", help="Positions such as 3-17, or task ids.")],
    *,
    api: ApiOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show some whole: headers, and the content, which is somebody's prompt."""
    from cli.dead_letters.actions import show  # noqa: PLC0415 (start-up time)

    raise typer.Exit(show(names, chosen_api(api, profile), as_json=as_json))


def _redrive(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[LETTER]...", help="Positions such as 3-17, or task ids.")
    ] = None,
    *,
    reason: ReasonOption = None,
    error_code: CodeOption = None,
    tenant: TenantOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of each.")] = False,
    api: ApiOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run their tasks again, each with its whole time before it. Redriving twice starts nothing twice."""
    from cli.dead_letters.actions import redrive, wanted_letters  # noqa: PLC0415 (start-up time)

    wanted = wanted_letters(
        reason=reason, error_code=error_code, tenant=tenant, since=since, until=until, now=time.time()
    )
    address = chosen_api(api, profile)
    raise typer.Exit(redrive(names or [], wanted, address, everything=everything, dry_run=dry_run, as_json=as_json))

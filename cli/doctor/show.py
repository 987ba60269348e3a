"""`promptmill doctor`: what is wrong, and what mends it."""

import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.text import Text

from cli.addresses import ApiAddress
from cli.doctor.examination import Asked, examine
from cli.doctor.finding import Finding, Level
from cli.doctor.surroundings import read_surroundings
from cli.exit_codes import ExitCode
from cli.json_lines import write_json_lines
from cli.terminal_text import printable

_SIGNS = {Level.OK: ("ok", "green"), Level.WARNING: ("warning", "yellow"), Level.FAILURE: ("failure", "red")}
_WIDTH = 9


def examine_and_show(
    address: ApiAddress,
    environ: Mapping[str, str],
    *,
    data_dir: Path,
    least_gib: float,
    seconds: float,
    strict: bool,
    as_json: bool,
) -> ExitCode:
    """Write the findings to standard output; `NOT_COMPLETED` for a failure, with `strict` for a warning too."""
    # The client would report each failed attempt beside our finding.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asked = Asked(
        surroundings=read_surroundings(environ, data_dir),
        api=address,
        data_dir=data_dir,
        least_gib=least_gib,
        own_version=version("promptmill"),
        seconds=seconds,
    )
    try:
        findings = asyncio.run(examine(asked))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    if as_json:
        write_json_lines(sys.stdout, map(asdict, findings))
    else:
        _show(Console(highlight=False), findings)
    levels = {finding.level for finding in findings}
    is_bad = Level.FAILURE in levels or (strict and Level.WARNING in levels)
    return ExitCode.NOT_COMPLETED if is_bad else ExitCode.OK


def _show(console: Console, findings: Sequence[Finding]) -> None:
    for finding in findings:
        word, style = _SIGNS[finding.level]
        console.print(
            Text.assemble((f"{word:<{_WIDTH}}", style), f"{finding.check:<{_WIDTH}}", printable(finding.found)),
            soft_wrap=True,
        )
        if finding.mend is not None:
            console.print(Text(f"{'':{2 * _WIDTH}}→ {printable(finding.mend)}"), soft_wrap=True)

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.addresses import DEFAULT_DATA_DIR, is_http_url
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.options import JsonOption
from cli.stack.errors import StackError
from cli.stack.options import StackOptions

_CANNOT_START = 1
_LLM_BASE_URL = "PROMPTMILL_LLM__BASE_URL"


def _folder(text: str | Path) -> Path:
    # As a path, no name at all would be this folder: often a variable that was never set.
    if text == "":
        raise typer.BadParameter("a folder has a name; this one is '.'")
    return Path(text)


def up(
    context: typer.Context,
    *,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    concurrency: Annotated[
        int,
        typer.Option(min=1, envvar="PROMPTMILL_WORKER__CONCURRENCY", help="Model calls of one worker at once."),
    ] = 4,
    brokers: Annotated[int, typer.Option(min=1, max=9, help="Kafka brokers.")] = 1,
    port: Annotated[int, typer.Option(min=1, max=65535, envvar="PROMPTMILL_API__PORT", help="The API's port.")] = 8000,
    llm_base_url: Annotated[
        str | None,
        typer.Option(
            envvar=_LLM_BASE_URL,
            help="An OpenAI-compatible server; without it OpenAI's if OPENAI_API_KEY is set, else a small local model.",
        ),
    ] = None,
    data_dir: Annotated[
        Path, typer.Option(help="Where data and logs are kept.", parser=_folder, metavar="DIRECTORY")
    ] = DEFAULT_DATA_DIR,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Remove the data dir at the end.")] = False,
    no_llm: Annotated[
        bool,
        typer.Option("--no-llm", help="Never start the local model: --llm-base-url's answers, or else OpenAI's."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run Kafka, Valkey, a model and both services on this machine, until Ctrl-C."""
    if llm_base_url is not None and not is_http_url(llm_base_url):
        source = context.get_parameter_source("llm_base_url")
        name = _LLM_BASE_URL if source is not None and source.name == "ENVIRONMENT" else "--llm-base-url"
        # Not quoted: a key may stand in it.
        raise CommandError(f"{name} should look like http://127.0.0.1:8080/v1", ExitCode.USAGE)
    from rich.console import Console  # noqa: PLC0415 (start-up time)

    from cli.stack.run import run_stack  # noqa: PLC0415 (start-up time)

    options = StackOptions(
        workers=workers,
        concurrency=concurrency,
        brokers=brokers,
        port=port,
        llm_base_url=llm_base_url,
        data_dir=data_dir,
        ephemeral=ephemeral,
        no_llm=no_llm,
        as_json=as_json,
    )
    try:
        status = asyncio.run(run_stack(options, os.environ, Console(stderr=as_json)))
    except (StackError, OSError) as error:
        print(f"promptmill up: {_in_words(error)}", file=sys.stderr)
        raise typer.Exit(_CANNOT_START) from error
    raise typer.Exit(status)


def _in_words(error: StackError | OSError) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror}"
    return str(error)

"""The options of `promptmill topics`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.options import JsonOption
from cli.topics.names import TailedTopic

_HELP = "Show the topics as Kafka has them: partitions, records, lag of the groups, newest record."

ContentOption = Annotated[bool, typer.Option("--content", help="Also what stands in them: somebody's prompts.")]


def topic_commands() -> typer.Typer:
    """The commands, nothing of them run yet."""
    app = typer.Typer(help=_HELP)
    app.callback(invoke_without_command=True)(_topics)
    app.command("tail")(_tail)
    return app


def _topics(
    context: typer.Context,
    *,
    create: Annotated[
        bool, typer.Option("--create", help="First create the topics that are missing, and check how all are set.")
    ] = False,
    show_last: Annotated[
        bool, typer.Option("--show-last", help="Also the content of each topic's newest record: somebody's prompt.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    if context.invoked_subcommand is not None:
        return
    from cli.topics.show import show_topics  # noqa: PLC0415 (start-up time)

    show_topics(os.environ, Path(), create=create, show_last=show_last, as_json=as_json)


def _tail(
    topic: Annotated[TailedTopic, typer.Argument(help="Tasks of a lane, results, or dead letters.")],
    *,
    last: Annotated[int, typer.Option("--last", "-n", min=0, max=100, help="So many that are there already.")] = 10,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on with new ones until Ctrl-C.")] = True,
    content: ContentOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show a topic's newest records, and each new one as it is written."""
    from cli.topics.tail import tail_topic  # noqa: PLC0415 (start-up time)

    status = tail_topic(topic, os.environ, Path(), last=last, follow=follow, content=content, as_json=as_json)
    raise typer.Exit(status)

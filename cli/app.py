"""Every command with its options. What a command needs is imported when it runs: `--help` should not wait for it."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.addresses import API_URL_VARIABLE, DEFAULT_API_URL, DEFAULT_DATA_DIR, STACK_FILE
from cli.dead_letters.commands import dead_letter_commands
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.options import ApiOption, IdsFileOption, JsonOption, ProfileOption, TaskIdsArgument, chosen_api, list_filters
from cli.profiles import PROFILE_VARIABLE
from cli.stack.command import up
from cli.standard_input import open_standard_input, standard_input
from cli.topics.commands import topic_commands
from common.task import Lane, Status

_HELP = f"""An asynchronous LLM API on Kafka: submit prompts, see them answered.

The API is found by --api, then --profile, then {API_URL_VARIABLE}, then {PROFILE_VARIABLE}, then {STACK_FILE} of
`promptmill up`, else {DEFAULT_API_URL}.

Exit status:

{"".join(f"{code.value}: {code.meaning}{chr(10)}{chr(10)}" for code in ExitCode)}"""


def create_app() -> typer.Typer:
    """The command line, nothing of it run yet."""
    app = typer.Typer(
        name="promptmill",
        help=_HELP,
        no_args_is_help=True,
        # A traceback of ours is a bug to report, and its local variables may hold prompts.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    app.command("up")(up)
    app.command("submit")(_submit)
    app.command("watch")(_watch)
    app.command("tasks")(_tasks)
    app.command("cancel")(_cancel)
    app.command("retry")(_retry)
    app.command("workers")(_workers)
    app.add_typer(topic_commands(), name="topics")
    app.add_typer(dead_letter_commands(), name="dead-letters")
    app.command("rebuild")(_rebuild)
    app.command("settings")(_settings)
    app.command("doctor")(_doctor)
    return app


def _print_version(*, asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 (start-up time)

        print(f"promptmill {version('promptmill')}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


def _submit(
    prompts: Annotated[list[str] | None, typer.Argument(metavar="[PROMPT]...", help="Prompts, a text each.")] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", metavar="FILE", help="A prompt a line; '-' is standard input, as is no prompt."),
    ] = None,
    jsonl: Annotated[
        bool | None,
        typer.Option(
            "--jsonl/--text",
            help="Lines are JSON: strings, or objects with a prompt or messages; or texts. Else *.jsonl or the first "
            "line says it.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model for prompts that name none.")] = None,
    lane: Annotated[Lane | None, typer.Option(help="interactive where somebody waits, batch for bulk.")] = None,
    deadline_seconds: Annotated[
        float | None, typer.Option(min=1, help="A task not finished after so long is expired.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Have the answers, or only the tasks' ids.")] = True,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="NAME",
            help="Names this run: the same input under the same name is the same tasks, under another it runs anew.",
        ),
    ] = None,
    api: ApiOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Submit prompts, watch them run, have the answers in order.

    Lines of a file or of standard input given again are the tasks they were: so an interrupted run goes on.
    """
    from cli.tasks.prompt_source import prompt_source  # noqa: PLC0415 (start-up time)
    from cli.tasks.prompts import check_utf8  # noqa: PLC0415 (start-up time)
    from cli.tasks.submit import SubmitOptions, submit  # noqa: PLC0415 (start-up time)

    for text, name in ((model, "--model"), (key, "--key")):
        check_utf8(text or "", name)
    options = SubmitOptions(
        model=model, lane=lane, deadline_seconds=deadline_seconds, key=key, wait=wait, as_json=as_json
    )
    with prompt_source(prompts or [], file, open_standard_input(), jsonl=jsonl) as source:
        raise typer.Exit(submit(source, chosen_api(api, profile), options))


def _tasks(
    task_ids: TaskIdsArgument = None,
    *,
    file: IdsFileOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show their progress until all are final.")] = False,
    status: Annotated[
        list[Status] | None, typer.Option("--status", help="Of a list: tasks in this status; may be repeated.")
    ] = None,
    lane: Annotated[Lane | None, typer.Option("--lane", help="Of a list: tasks of this lane.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Of a list: tasks of this model.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Of a list: tasks, at most.")] = 50,
    after: Annotated[str | None, typer.Option(metavar="ID", help="Of a list: go on behind this task.")] = None,
    api: ApiOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how tasks stand; without ids, list the newest."""
    address = chosen_api(api, profile)
    wanted = list_filters(status or [], lane, model)
    if not task_ids and file is None and not watch:
        from cli.tasks.listing import list_tasks  # noqa: PLC0415 (start-up time)

        raise typer.Exit(list_tasks(wanted, address, limit=limit, after=after, as_json=as_json))
    from cli.tasks.show import read_task_ids, show  # noqa: PLC0415 (start-up time)

    if wanted or after is not None:
        raise CommandError("name tasks by ids, or list them by --status, --lane, --model: not both", ExitCode.USAGE)
    raise typer.Exit(show(read_task_ids(task_ids or [], file, standard_input), address, watch=watch, as_json=as_json))


def _watch(
    task_ids: TaskIdsArgument = None,
    *,
    file: IdsFileOption = None,
    api: ApiOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the progress of tasks as they move, until all are final; then how they ended."""
    from cli.tasks.show import read_task_ids, show  # noqa: PLC0415 (start-up time)

    address = chosen_api(api, profile)
    raise typer.Exit(show(read_task_ids(task_ids or [], file, standard_input), address, watch=True, as_json=as_json))


def _cancel(
    task_ids: TaskIdsArgument = None,
    *,
    file: IdsFileOption = None,
    api: ApiOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """End tasks without their answers. Status 0 when each is cancelled now, 1 when some had ended or are unknown."""
    from cli.tasks.cancel import cancel  # noqa: PLC0415 (start-up time)
    from cli.tasks.show import read_task_ids  # noqa: PLC0415 (start-up time)

    address = chosen_api(api, profile)
    raise typer.Exit(cancel(read_task_ids(task_ids or [], file, standard_input), address, as_json=as_json))


def _retry(
    task_ids: TaskIdsArgument = None,
    *,
    file: IdsFileOption = None,
    api: ApiOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run tasks again that failed, expired or were cancelled. Status 0 when each was started; twice starts it once."""
    from cli.tasks.retry import retry  # noqa: PLC0415 (start-up time)
    from cli.tasks.show import read_task_ids  # noqa: PLC0415 (start-up time)

    address = chosen_api(api, profile)
    raise typer.Exit(retry(read_task_ids(task_ids or [], file, standard_input), address, as_json=as_json))


def _workers(*, api: ApiOption = None, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Show how each worker is. Status 0 when one is working, 1 when none is."""
    from cli.workers.show import show  # noqa: PLC0415 (start-up time)

    raise typer.Exit(show(chosen_api(api, profile), as_json=as_json))


def _rebuild(*, as_json: JsonOption = False) -> None:
    """Write into Redis what it lacks of what Kafka has: after a loss, or from an old copy. Safe at any time."""
    from cli.rebuild import rebuild_store  # noqa: PLC0415 (start-up time)

    rebuild_store(os.environ, Path(), as_json=as_json)


def _settings(*, as_json: JsonOption = False) -> None:
    """Print every setting with its variable, its value, where that came from and what it means."""
    from cli.settings.show import show_settings  # noqa: PLC0415 (start-up time)

    show_settings(os.environ, as_json=as_json)


def _doctor(
    *,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", metavar="DIRECTORY", help="Where the local stack keeps its data.")
    ] = DEFAULT_DATA_DIR,
    least_gib: Annotated[
        float,
        typer.Option("--min-free-gib", min=0, help="Less room on its disk is a failure, five times it a warning."),
    ] = 1.0,
    seconds: Annotated[float, typer.Option("--timeout-seconds", min=0.1, max=120, help="For each look.")] = 10.0,
    strict: Annotated[bool, typer.Option("--strict", help="Status 1 for a warning too.")] = False,
    api: ApiOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at Kafka, Redis, model, API, workers, clocks, settings and disk; say what is wrong, and what mends it."""
    from cli.doctor.show import examine_and_show  # noqa: PLC0415 (start-up time)

    raise typer.Exit(
        examine_and_show(
            chosen_api(api, profile),
            os.environ,
            data_dir=data_dir,
            least_gib=least_gib,
            seconds=seconds,
            strict=strict,
            as_json=as_json,
        )
    )

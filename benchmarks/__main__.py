"""`python -m benchmarks SUITE`: measure and show the figures."""

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from benchmarks.deployment import running_deployment, running_no_op_api
from benchmarks.measuring import Contenders, told_rounds
from benchmarks.peer_environments import PeerEnvironments
from benchmarks.setting import Setting
from benchmarks.sizes import WorkerCase, full, quick
from benchmarks.suite_list import SUITES
from benchmarks.suites import ingest as ingest_suite, worker as worker_suite

FOLDER = Path(".promptmill/bench/run")
QUICK_PAGE = Path(".promptmill/bench/quick/performance.md")
PAGE = Path("docs/performance.md")

Rounds = Annotated[int, typer.Option(min=1, help="How often each contender is measured.")]
Only = Annotated[list[str] | None, typer.Option(help="A contender, by its name; may be repeated.")]
Main = Annotated[Path, typer.Option("--peers", help="Environment of the peers.")]
Newer = Annotated[Path, typer.Option("--newer-peers", help="Environment of those that need Python 3.12.")]
_MAIN, _NEWER = Path(".venv/peers"), Path(".venv/newer-peers")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    suites: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(SUITES)}; all of them by default.")] = None,
    *,
    quickly: Annotated[bool, typer.Option("--quick", help="See that all works; the figures mean nothing.")] = False,
    main: Main = _MAIN,
    newer: Newer = _NEWER,
) -> None:
    """Measure whole suites, keep their results and write the page."""
    from benchmarks.suite_run import run_suites  # noqa: PLC0415 - drawing needs a library, and tuning does not

    unknown = set(suites or ()) - set(SUITES)
    if unknown:
        raise typer.BadParameter(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    peers = PeerEnvironments.found(main, newer)
    sizes, page = (quick(), QUICK_PAGE) if quickly else (full(), PAGE)
    uvloop.run(run_suites(suites or list(SUITES), sizes, peers, page=page, folder=FOLDER, tell=typer.echo))


@app.command()
def worker(
    *,
    latency: Annotated[float, typer.Option(help="Seconds of one call.")] = 0.1,
    jitter: Annotated[float, typer.Option(help="Share by which it varies.")] = 0.2,
    concurrency: Annotated[int, typer.Option(min=1)] = 200,
    tasks: Annotated[int, typer.Option(min=4)] = 4000,
    rounds: Rounds = 1,
    only: Only = None,
    main: Main = _MAIN,
    newer: Newer = _NEWER,
) -> None:
    """Tune: tasks through one worker, beside other loops around the same calls; nothing is kept."""
    case = WorkerCase(latency, jitter, concurrency, tasks)
    uvloop.run(_worker(case, rounds, only, PeerEnvironments.found(main, newer)))


@app.command()
def ingest(*, rounds: Rounds = 1, only: Only = None) -> None:
    """Tune: prompts into the API, in bulk and one by one; nothing is kept."""
    uvloop.run(_ingest(rounds, only))


async def _worker(case: WorkerCase, rounds: int, only: list[str] | None, peers: PeerEnvironments) -> None:
    async with running_deployment(FOLDER) as deployment, deployment.api() as api:
        typer.echo(f"{case.name}, ceiling {case.ceiling:,.0f}/s")
        found = worker_suite.contenders(case, Setting(deployment, full(), peers, typer.echo), api, all_peers=True)
        await told_rounds(_chosen(found, only), rounds, typer.echo)


async def _ingest(rounds: int, only: list[str] | None) -> None:
    async with (
        running_deployment(FOLDER) as deployment,
        deployment.api() as api,
        running_no_op_api(deployment) as no_op,
    ):
        for case in full().ingest:
            typer.echo(case.name)
            found = ingest_suite.contenders(case, deployment, api, no_op)
            await told_rounds(_chosen(found, only), rounds, typer.echo)


def _chosen(found: Contenders, only: list[str] | None) -> Contenders:
    if only is None:
        return found
    if unknown := set(only) - set(found):
        raise typer.BadParameter(f"no such contender: {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    return {name: measure for name, measure in found.items() if name in only}


if __name__ == "__main__":
    app()

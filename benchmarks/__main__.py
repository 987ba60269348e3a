"""`python -m benchmarks SUITE`: measure and show the figures."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
import uvloop

from benchmarks.deployment import running_deployment, running_no_op_api
from benchmarks.rounds import interleaved
from benchmarks.sample import Sample
from benchmarks.suites import ingest as ingest_suite, worker as worker_suite

FOLDER = Path(".promptmill/bench")
Rounds = Annotated[int, typer.Option(min=1, help="How often each contender is measured.")]

Only = Annotated[list[str] | None, typer.Option(help="A contender, by its name; may be repeated.")]

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def worker(
    *,
    latency: Annotated[float, typer.Option(help="Seconds of one call.")] = 0.1,
    jitter: Annotated[float, typer.Option(help="Share by which it varies.")] = 0.2,
    concurrency: Annotated[int, typer.Option(min=1)] = 200,
    tasks: Annotated[int, typer.Option(min=4)] = 4000,
    rounds: Rounds = 1,
    only: Only = None,
) -> None:
    """Tasks through one worker, against other loops around the same calls."""
    case = worker_suite.WorkerCase(latency, jitter, concurrency, tasks)
    uvloop.run(_worker(case, rounds, only))


@app.command()
def ingest(*, rounds: Rounds = 1, only: Only = None) -> None:
    """Prompts into the API, in bulk and one by one."""
    uvloop.run(_ingest(rounds, only))


async def _worker(case: worker_suite.WorkerCase, rounds: int, only: list[str] | None) -> None:
    async with running_deployment(FOLDER) as deployment, deployment.api() as api:
        typer.echo(f"ceiling {case.ceiling:,.0f}/s")
        await _turns(worker_suite.contenders(case, deployment, api), rounds, only)


async def _ingest(rounds: int, only: list[str] | None) -> None:
    bulk = ingest_suite.IngestCase(prompts_a_request=1000, requests=60, at_once=4)
    single = ingest_suite.IngestCase(prompts_a_request=1, requests=4000, at_once=64)
    async with (
        running_deployment(FOLDER) as deployment,
        deployment.api() as api,
        running_no_op_api(deployment) as no_op,
    ):
        for case in (bulk, single):
            typer.echo(f"{case.prompts_a_request} prompts a request, {case.at_once} requests at once")
            await _turns(ingest_suite.contenders(case, deployment, api, no_op), rounds, only)


async def _turns(
    contenders: Mapping[str, Callable[[], Awaitable[Sample]]], rounds: int, only: list[str] | None
) -> None:
    def tell(number: int, name: str, sample: Sample) -> None:
        typer.echo(f"  {number + 1}  {_line(name, sample.per_second, sample.cpu_ms)}")

    chosen = {name: measure for name, measure in contenders.items() if only is None or name in only}
    samples = await interleaved(chosen, rounds, tell)
    typer.echo("  medians")
    for name, measured in samples.items():
        per_second = median(sample.per_second for sample in measured)
        typer.echo(f"     {_line(name, per_second, median(sample.cpu_ms for sample in measured))}")


def _line(name: str, per_second: float, cpu_ms: float) -> str:
    return f"{name:32} {per_second:10,.0f}/s {cpu_ms:8.3f} ms CPU an item"


if __name__ == "__main__":
    app()

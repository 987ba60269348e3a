"""Tasks through one worker process, against the same calls made by other loops and by other people's queues."""

from collections.abc import Mapping
from functools import partial

from benchmarks.deployment import ApiHandle, Deployment
from benchmarks.followed import followed
from benchmarks.measuring import Contenders, told_rounds
from benchmarks.peer_programs import peer_programs
from benchmarks.programs import completion_of
from benchmarks.prompts import prompt
from benchmarks.row import PER_SECOND, Row, sample_rows
from benchmarks.sample import Sample, Window, sampled
from benchmarks.setting import OURS, Setting
from benchmarks.sizes import WorkerCase
from cli.stack.child import Child, running

NAKED_DEFAULT = "naked loop, default transport"
NAKED_AIOHTTP = "naked loop, aiohttp transport"
MODEL_CLIENT = "our model client alone"
BARE_CALLS = "bare calls"


async def measure(setting: Setting) -> list[Row]:
    """Measure every case; the first with every contender."""
    rows: list[Row] = []
    sizes = setting.sizes
    async with setting.deployment.api() as api:
        for number, case in enumerate(sizes.worker):
            rows += await _case_rows(case, contenders(case, setting, api, all_peers=number == 0), setting)
        streamed = streamed_contenders(sizes.streamed, setting.deployment, api)
        return rows + await _case_rows(sizes.streamed, streamed, setting, prefix="streamed, ")


async def _case_rows(case: WorkerCase, contenders: Contenders, setting: Setting, prefix: str = "") -> list[Row]:
    name = prefix + case.name
    setting.tell(f"worker: {name}, ceiling {case.ceiling:,.0f}/s")
    samples = await told_rounds(contenders, setting.sizes.rounds, setting.tell)
    return sample_rows(name, samples, {PER_SECOND: case.ceiling})


def contenders(case: WorkerCase, setting: Setting, api: ApiHandle, *, all_peers: bool) -> Contenders:
    """Return what measures each contender, by its name."""
    deployment = setting.deployment
    naked = {"base_url": deployment.model.base_url, "concurrency": case.concurrency, "tasks": case.tasks}
    bare = {"port": deployment.model.port, "concurrency": case.concurrency, "tasks": case.tasks}
    found: Contenders = {
        OURS: partial(ours, case, deployment, api),
        NAKED_AIOHTTP: partial(_program, case, deployment, "naked_loop", {**naked, "transport": "aiohttp"}),
        MODEL_CLIENT: partial(_program, case, deployment, "model_client_loop", naked),
        BARE_CALLS: partial(_program, case, deployment, "bare_calls", bare),
    }
    if all_peers:
        found[NAKED_DEFAULT] = partial(_program, case, deployment, "naked_loop", {**naked, "transport": "default"})
    for name, (module, python) in setting.peers.pythons(kafka_alone=not all_peers).items():
        found[name] = partial(_peer, case, deployment, module, python)
    return found


def streamed_contenders(case: WorkerCase, deployment: Deployment, api: ApiHandle) -> Contenders:
    """Return what measures answers in pieces; of ours each is followed by a client."""
    naked = {"base_url": deployment.model.base_url, "concurrency": case.concurrency, "tasks": case.tasks}
    streamed = {**naked, "transport": "aiohttp", "streamed": True}
    return {
        OURS: partial(_ours_streamed, case, deployment, api),
        NAKED_AIOHTTP: partial(_program, case, deployment, "naked_loop", streamed),
    }


async def ours(case: WorkerCase, deployment: Deployment, api: ApiHandle) -> Sample:
    """Measure a worker over a backlog that is there before it starts; afterwards every task must be completed."""
    task_ids = await api.submit_all([prompt(number) for number in range(case.tasks)])
    model = deployment.model
    await model.plan(latency=case.latency, jitter=case.jitter)
    async with deployment.workers(1, concurrency=case.concurrency) as [worker]:
        sample = await sampled(model, worker, Window.of(case.tasks, case.concurrency))
        await model.reached(case.tasks)
        await api.all_completed(task_ids)
    return sample


async def _ours_streamed(case: WorkerCase, deployment: Deployment, api: ApiHandle) -> Sample:
    task_ids = await api.submit_all([prompt(number) for number in range(case.tasks)], streamed=True)
    model = deployment.model
    await model.plan(latency=case.latency, jitter=case.jitter)
    async with (
        followed(deployment, api, task_ids, followers=case.tasks) as seen,
        deployment.workers(1, concurrency=case.concurrency) as [worker],
    ):
        sample = await sampled(model, worker, Window.of(case.tasks, case.concurrency))
        await model.reached(case.tasks)
        await seen()
        await api.all_completed(task_ids)
    return sample


async def _program(case: WorkerCase, deployment: Deployment, name: str, given: Mapping[str, object]) -> Sample:
    return await _measured(case, deployment, deployment.contender(name, given))


async def _peer(case: WorkerCase, deployment: Deployment, module: str, python: str) -> Sample:
    prepared = peer_programs(module, python, case, deployment)
    await completion_of(prepared.fill)
    return await _measured(case, deployment, prepared.work)


async def _measured(case: WorkerCase, deployment: Deployment, child: Child) -> Sample:
    await deployment.model.plan(latency=case.latency, jitter=case.jitter)
    async with running([child]) as [process]:
        sample = await sampled(deployment.model, process, Window.of(case.tasks, case.concurrency))
        await deployment.model.reached(case.tasks)
    return sample

"""Tasks through one worker process, against the same calls made by other loops."""

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks.deployment import ApiHandle, Deployment
from benchmarks.programs import module_child
from benchmarks.prompts import prompt
from benchmarks.sample import Sample, Window, sampled
from cli.stack.child import Child, running

OURS = "Promptmill"
_PROMPTS_A_REQUEST = 1000


@dataclass(frozen=True, slots=True)
class WorkerCase:
    """Seconds of one call and the share by which it varies; calls at once; calls in all."""

    latency: float
    jitter: float
    concurrency: int
    tasks: int

    @property
    def ceiling(self) -> float:
        """Calls in a second when every slot is always busy."""
        return self.concurrency / self.latency


def contenders(case: WorkerCase, deployment: Deployment, api: ApiHandle) -> dict[str, Callable[[], Awaitable[Sample]]]:
    """Return what measures each contender, by its name."""
    return {
        OURS: partial(_ours, case, deployment, api),
        "naked loop, default transport": partial(_naked_loop, case, deployment, "default"),
        "naked loop, aiohttp transport": partial(_naked_loop, case, deployment, "aiohttp"),
        "bare calls": partial(_bare_calls, case, deployment),
    }


async def _ours(case: WorkerCase, deployment: Deployment, api: ApiHandle) -> Sample:
    """The backlog is there before the worker starts; afterwards every task must be completed."""
    prompts = [prompt(number) for number in range(case.tasks)]
    task_ids: list[str] = []
    for start in range(0, case.tasks, _PROMPTS_A_REQUEST):
        task_ids += await api.submit(prompts[start : start + _PROMPTS_A_REQUEST])
    model = deployment.model
    await model.plan(latency=case.latency, jitter=case.jitter)
    async with deployment.workers(1, concurrency=case.concurrency) as [worker]:
        sample = await sampled(model, worker, Window.of(case.tasks, case.concurrency))
        await model.reached(case.tasks)
        await api.all_completed(task_ids)
    return sample


async def _naked_loop(case: WorkerCase, deployment: Deployment, transport: str) -> Sample:
    given = {
        "base_url": deployment.model.base_url,
        "transport": transport,
        "concurrency": case.concurrency,
        "tasks": case.tasks,
    }
    return await _measured(case, deployment, _program(deployment, "naked_loop", given))


async def _bare_calls(case: WorkerCase, deployment: Deployment) -> Sample:
    given = {"port": deployment.model.port, "concurrency": case.concurrency, "tasks": case.tasks}
    return await _measured(case, deployment, _program(deployment, "bare_calls", given))


def _program(deployment: Deployment, name: str, given: Mapping[str, object]) -> Child:
    log = deployment.logs / f"{name}.log"
    return module_child(name, f"benchmarks.contenders.{name}", json.dumps(given), log=log, env=os.environ)


async def _measured(case: WorkerCase, deployment: Deployment, child: Child) -> Sample:
    await deployment.model.plan(latency=case.latency, jitter=case.jitter)
    async with running([child]) as [process]:
        sample = await sampled(deployment.model, process, Window.of(case.tasks, case.concurrency))
        await process.wait()
    return sample

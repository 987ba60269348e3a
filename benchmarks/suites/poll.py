"""GETs of finished tasks, against the reads alone and against a route that does nothing."""

import itertools
from functools import partial

from benchmarks.deployment import ApiHandle, Deployment, running_no_op_api
from benchmarks.http_load import load, request_bytes
from benchmarks.measuring import Contenders, told_rounds
from benchmarks.programs import report_of
from benchmarks.prompts import prompt
from benchmarks.row import Row, sample_rows
from benchmarks.sample import Sample, sampled_while
from benchmarks.setting import OURS, Setting

NO_OP = "a route that does nothing"
STORE = "the store's reads alone"
_TASKS = 500
_AT_ONCE = 16
_WORKER_SLOTS = 50
_MANY = 100
_OK = 200


async def measure(setting: Setting) -> list[Row]:
    """Measure queries of one id and of a hundred."""
    rows: list[Row] = []
    deployment = setting.deployment
    async with deployment.api() as api, running_no_op_api(deployment) as no_op:
        task_ids = await _finished(deployment, api)
        for ids, reads in ((1, setting.sizes.reads), (_MANY, max(1, setting.sizes.reads // 5))):
            name = f"{ids} {'id' if ids == 1 else 'ids'} a request, {_AT_ONCE} requests at once"
            setting.tell(f"poll: {name}")
            queries = [
                ",".join(itertools.islice(itertools.cycle(task_ids), start, start + ids))
                for start in range(0, len(task_ids), ids)
            ]
            found: Contenders = {
                OURS: partial(_got, api, [f"/v1/tasks?task_ids={query}" for query in queries], ids, reads),
                NO_OP: partial(_got, no_op, ["/nothing"], ids, reads),
                STORE: partial(_read, deployment, task_ids[:ids], reads),
            }
            rows += sample_rows(name, await told_rounds(found, setting.sizes.rounds, setting.tell))
    return rows


async def _finished(deployment: Deployment, api: ApiHandle) -> list[str]:
    task_ids = await api.submit_all([prompt(number) for number in range(_TASKS)])
    await deployment.model.plan(latency=0.0)
    async with deployment.workers(1, concurrency=_WORKER_SLOTS):
        await api.all_completed(task_ids)
    return task_ids


async def _got(server: ApiHandle, paths: list[str], ids: int, reads: int) -> Sample:
    requests = itertools.cycle([request_bytes("GET", path) for path in paths])

    async def get(count: int) -> None:
        await load(server.port, itertools.islice(requests, count), connections=_AT_ONCE, expect=_OK)

    await get(_AT_ONCE)
    return await sampled_while(get(reads), server.pid, ids * reads)


async def _read(deployment: Deployment, task_ids: list[str], reads: int) -> Sample:
    given = {"redis": deployment.redis, "task_ids": task_ids, "reads": reads, "at_once": _AT_ONCE}
    return Sample(**await report_of(deployment.contender("store_reads", given)))

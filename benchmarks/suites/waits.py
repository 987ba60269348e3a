"""GETs that wait for tasks, against clients that ask again and again; and how soon they hear of the end."""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from benchmarks.deployment import ApiHandle
from benchmarks.http_load import load, request_bytes
from benchmarks.prompts import prompt
from benchmarks.row import CPU_MS, Row
from benchmarks.sample import sampled_while
from benchmarks.setting import OURS, Setting
from benchmarks.sizes import WaitsCase
from benchmarks.spread import percentile

COMMANDS = "store_commands"
POLLING = "a GET each second"
ENDS = "cancellation sent to the answer of a GET that waits"
_OK = 200
_AT_ONCE = 16
_LOOK_SECONDS = 0.005
_LONGER_THAN_ANY_SECONDS = 60


async def measure(setting: Setting) -> list[Row]:
    """An item is a second of one client's waiting. No worker runs: the tasks end when they are cancelled."""
    case, deployment = setting.sizes.waits, setting.deployment
    found: dict[str, Callable[[ApiHandle, Sequence[str], WaitsCase], Coroutine[Any, Any, None]]] = {
        OURS: _wait,
        POLLING: _poll,
    }
    cpu_ms: dict[str, list[float]] = {name: [] for name in found}
    commands: dict[str, list[float]] = {name: [] for name in found}
    ends: list[list[float]] = []
    async with deployment.api() as api:
        task_ids = await api.submit_all([prompt(number) for number in range(case.clients)])
        for number in range(setting.sizes.rounds):
            for name, work in found.items():
                items = case.clients * case.seconds
                before = await deployment.store_commands()
                sample = await sampled_while(work(api, task_ids, case), api.pid, int(items))
                cpu_ms[name].append(sample.cpu_ms)
                commands[name].append((await deployment.store_commands() - before) / items)
                setting.tell(
                    f"waits: round {number + 1}: {name}: {cpu_ms[name][-1]:.3f} ms CPU and {commands[name][-1]:.2f} "
                    "commands for a second of a client"
                )
            ends.append(await _ends(api, case))
            p50, p99 = (percentile(ends[-1], percent) for percent in (50, 99))
            setting.tell(f"waits: round {number + 1}: {ENDS} p50 {p50:.1f} ms p99 {p99:.1f} ms")
    rows = [Row(case.name, name, {CPU_MS: cpu_ms[name], COMMANDS: commands[name]}) for name in found]
    figures = {f"p{percent}_ms": [percentile(ms, percent) for ms in ends] for percent in (50, 99)}
    return [*rows, Row("one at a time", ENDS, figures)]


async def _wait(api: ApiHandle, task_ids: Sequence[str], case: WaitsCase) -> None:
    requests = (request_bytes("GET", f"/v1/tasks?task_ids={one}&wait={case.seconds:g}") for one in task_ids)
    await load(api.port, requests, connections=case.clients, expect=_OK)


async def _poll(api: ApiHandle, task_ids: Sequence[str], case: WaitsCase) -> None:
    """All of them once a second, over few connections: what is kept open is not what is compared."""
    due = time.monotonic()
    for _ in range(int(case.seconds)):
        requests = (request_bytes("GET", f"/v1/tasks?task_ids={one}") for one in task_ids)
        await load(api.port, requests, connections=_AT_ONCE, expect=_OK)
        due += 1
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _ends(api: ApiHandle, case: WaitsCase) -> list[float]:
    """Milliseconds for each, from the request that ends the task on."""
    task_ids = await api.submit_all([prompt(number) for number in range(case.ends)])
    milliseconds = []
    for task_id in task_ids:
        request = request_bytes("GET", f"/v1/tasks?task_ids={task_id}&wait={_LONGER_THAN_ANY_SECONDS}")
        waiting = asyncio.ensure_future(load(api.port, itertools.repeat(request, 1), connections=1, expect=_OK))
        while not await api.followers():  # noqa: ASYNC110 - it is elsewhere
            await asyncio.sleep(_LOOK_SECONDS)
        ended_at = time.monotonic()
        await api.cancel(task_id)
        await waiting
        milliseconds.append(1000 * (time.monotonic() - ended_at))
    return milliseconds

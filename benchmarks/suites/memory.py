"""Resident memory of a worker by its slots, and of an API by what it took; by backlog it stands with `scale`."""

from benchmarks.deployment import ApiHandle
from benchmarks.prompts import prompt
from benchmarks.resident import resident_bytes
from benchmarks.row import Row
from benchmarks.setting import OURS, Setting
from benchmarks.suites.scale import RESIDENT

_MB = 1_000_000
_CALL_SECONDS = 0.5
_TURNS = 4
_API = "API"


async def measure(setting: Setting) -> list[Row]:
    """Measure the API when it has just started, then workers, then the API after all that."""
    async with setting.deployment.api() as api:
        started = Row("just started", _API, {RESIDENT: [resident_bytes(api.pid) / _MB]})
        workers = [await _worker(setting, api, concurrency) for concurrency in setting.sizes.concurrencies]
        loaded = Row("after all tasks of this suite", _API, {RESIDENT: [resident_bytes(api.pid) / _MB]})
    return [*workers, started, loaded]


async def _worker(setting: Setting, api: ApiHandle, concurrency: int) -> Row:
    """Every slot has been used some times over when memory is looked at."""
    deployment, model = setting.deployment, setting.deployment.model
    tasks = concurrency * _TURNS
    seen = []
    for number in range(setting.sizes.rounds):
        task_ids = await api.submit_all([prompt(index) for index in range(tasks)])
        await model.plan(latency=_CALL_SECONDS)
        async with deployment.workers(1, concurrency=concurrency) as [worker]:
            await model.reached(tasks - concurrency)
            seen.append(resident_bytes(worker.pid) / _MB)
            await api.all_completed(task_ids)
        setting.tell(f"memory: round {number + 1}, {concurrency} at once: {seen[-1]:.0f} MB")
    return Row(f"{concurrency:,} at once", OURS, {RESIDENT: seen}, position=concurrency)

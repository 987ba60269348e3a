"""More workers, and longer queues."""

import asyncio
import time
from dataclasses import dataclass, replace

from benchmarks.deployment import ApiHandle
from benchmarks.prompts import prompt
from benchmarks.resident import resident_bytes
from benchmarks.row import CPU_MS, PER_SECOND, Row
from benchmarks.sample import Sample, Window, sampled, sampled_together
from benchmarks.setting import OURS, Setting

FIRST_CALL = "first_call_seconds"
RESIDENT = "resident_mb"
WORKERS, QUEUED = "workers", "queued"
_MB = 1_000_000
_PROMPTS_A_REQUEST = 1000
_DIFFERENT = 20_000
_REQUESTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class OverBacklog:
    """What one start of a worker over a backlog showed."""

    sample: Sample
    first_call_seconds: float
    resident_bytes: int


async def measure(setting: Setting) -> list[Row]:
    """Measure workers side by side, then one worker over ever longer backlogs."""
    async with setting.deployment.api() as api:
        side_by_side = [await _side_by_side(setting, api, count) for count in setting.sizes.worker_counts]
        return side_by_side + await _backlogs(setting, api)


async def _side_by_side(setting: Setting, api: ApiHandle, count: int) -> Row:
    deployment, one = setting.deployment, setting.sizes.side_by_side
    case = replace(one, tasks=one.tasks * count)
    slots = case.concurrency * count
    samples = []
    for number in range(setting.sizes.rounds):
        task_ids = await api.submit_all([prompt(index) for index in range(case.tasks)])
        await deployment.model.plan(latency=case.latency, jitter=case.jitter)
        async with deployment.workers(count, concurrency=case.concurrency) as workers:
            samples.append(await sampled_together(deployment.model, workers, Window.of(case.tasks, slots)))
            await api.all_completed(task_ids)
        setting.tell(f"scale: round {number + 1}, {count} workers: {samples[-1].per_second:,.0f}/s")
    figures = {PER_SECOND: [each.per_second for each in samples], CPU_MS: [each.cpu_ms for each in samples]}
    name = f"{count} {'worker' if count == 1 else WORKERS}, {case.concurrency} at once each"
    return Row(name, OURS, figures, {PER_SECOND: slots / case.latency}, position=count)


async def _backlogs(setting: Setting, api: ApiHandle) -> list[Row]:
    rows = []
    queued = 0
    for size in setting.sizes.backlogs:
        seen = []
        for number in range(setting.sizes.rounds):
            await _fill(api, size - queued)
            over, begun = await _over_backlog(setting, size)
            queued = size - begun
            seen.append(over)
            setting.tell(
                f"scale: round {number + 1}, {size:,} queued: {over.sample.cpu_ms:.3f} ms CPU an item, first call "
                f"after {over.first_call_seconds:.2f} s, {over.resident_bytes / _MB:.0f} MB"
            )
        figures = {
            PER_SECOND: [each.sample.per_second for each in seen],
            CPU_MS: [each.sample.cpu_ms for each in seen],
            FIRST_CALL: [each.first_call_seconds for each in seen],
            RESIDENT: [each.resident_bytes / _MB for each in seen],
        }
        rows.append(Row(f"{size:,} {QUEUED}", OURS, figures, position=size))
    return rows


async def _fill(api: ApiHandle, count: int) -> None:
    """The same prompts again after some thousands: making a million takes longer than sending them."""
    prompts = [prompt(number) for number in range(min(count, _DIFFERENT))]
    starts = iter(range(0, count, _PROMPTS_A_REQUEST))

    async def submit() -> None:
        for start in starts:
            here = range(start, min(start + _PROMPTS_A_REQUEST, count))
            await api.submit([prompts[index % len(prompts)] for index in here])

    await asyncio.gather(*(submit() for _ in range(_REQUESTS_AT_ONCE)))


async def _over_backlog(setting: Setting, size: int) -> tuple[OverBacklog, int]:
    """Run a worker over the first tasks of the backlog; with it, how many it began."""
    deployment, case = setting.deployment, setting.sizes.backlog
    await deployment.model.plan(latency=case.latency, jitter=case.jitter)
    began_at = time.monotonic()
    async with deployment.workers(1, concurrency=case.concurrency) as [worker]:
        sample = await sampled(deployment.model, worker, Window.of(case.tasks, case.concurrency))
        resident = resident_bytes(worker.pid)
        if size == case.tasks:
            await deployment.model.reached(size)
    counts = await deployment.model.counts()
    return OverBacklog(sample, counts.first_at - began_at, resident), counts.begun

"""A thousand clients of event streams on one API: how late a piece of text comes to them, and what they cost."""

import time

from benchmarks.cpu_clock import cpu_seconds
from benchmarks.deployment import ApiHandle, NotAsPromised
from benchmarks.followed import Seen, followed
from benchmarks.model.answers import STREAMED_PIECES
from benchmarks.prompts import prompt
from benchmarks.resident import resident_bytes
from benchmarks.row import CPU_MS, PER_SECOND, Row
from benchmarks.sample import Sample
from benchmarks.setting import OURS, Setting
from benchmarks.sizes import FollowersCase
from benchmarks.suites.scale import RESIDENT

_MB = 1_000_000
# So that answers which begin together do not come in step.
_JITTER = 0.5


async def measure(setting: Setting) -> list[Row]:
    """Measure an API of its own each round: what one held for its followers would stay with it."""
    case, seen = setting.sizes.followers, []
    for number in range(setting.sizes.rounds):
        async with setting.deployment.api() as api:
            sample, came, resident = await _streamed(setting, case, api)
        seen.append((sample, came, resident / _MB))
        setting.tell(
            f"followers: round {number + 1}: {sample.per_second:,.0f} events/s at {sample.cpu_ms:.3f} ms CPU, "
            f"p50 {came.p50_ms:.1f} ms, p99 {came.p99_ms:.1f} ms, {resident / _MB:.0f} MB"
        )
    figures = {
        PER_SECOND: [sample.per_second for sample, _, _ in seen],
        CPU_MS: [sample.cpu_ms for sample, _, _ in seen],
        "p50_ms": [came.p50_ms for _, came, _ in seen],
        "p99_ms": [came.p99_ms for _, came, _ in seen],
        RESIDENT: [resident for _, _, resident in seen],
    }
    return [Row(case.name, OURS, figures)]


async def _streamed(setting: Setting, case: FollowersCase, api: ApiHandle) -> tuple[Sample, Seen, int]:
    """From the first call to the last stream's end; the API's memory in the middle of it."""
    deployment, model = setting.deployment, setting.deployment.model
    task_ids = await api.submit_all([prompt(number) for number in range(case.streams)], streamed=True)
    await model.plan(latency=case.seconds, jitter=_JITTER, stamped=True)
    async with (
        followed(deployment, api, task_ids, followers=case.followers) as seen,
        deployment.workers(1, concurrency=case.streams, ready=True),
    ):
        began_at, cpu_before = time.monotonic(), cpu_seconds(api.pid)
        await model.reached(1)
        resident = resident_bytes(api.pid)
        came = await seen()
        sample = Sample(came.events, time.monotonic() - began_at, cpu_seconds(api.pid) - cpu_before)
    if came.pieces != STREAMED_PIECES * case.followers:
        raise NotAsPromised(f"{came.pieces} pieces came to {case.followers} followers")
    return sample, came, resident

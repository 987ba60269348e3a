"""From a request to the model's call, and from its answer to the client's sight, idle and under half the load."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.deployment import ApiHandle, Deployment, NotAsPromised
from benchmarks.programs import report_of
from benchmarks.prompts import prompt
from benchmarks.row import Row
from benchmarks.setting import Setting
from benchmarks.spread import percentile
from benchmarks.suites.worker import ours

SENT_TO_CALLED = "request sent to model called"
ACCEPTED_TO_CALLED = "202 received to model called"
ANSWERED_TO_VISIBLE = "model answered to result in a GET"
KAFKA_HOP = "one record through aiokafka alone"
IDLE, HALF_LOAD = "idle", "half the load"
_CALL_SECONDS = 0.05
# Looked for from here on: no GET is made while the call cannot have ended.
_LOOK_SHARE = 0.8
_PROMPTS_A_POST = 10
# Numbers of probes, apart from those of the load.
_FIRST_PROBE = 10_000_000
_TOPIC = "promptmill.tasks.batch"
_WITHIN_SECONDS = 30.0
_GREATEST_PERCENTS = (50, 99)


@dataclass(frozen=True, slots=True)
class Followed:
    """One task's instants by `time.monotonic`: request sent, 202 received, result seen."""

    number: int
    sent_at: float
    accepted_at: float
    visible_at: float


async def measure(setting: Setting) -> list[Row]:
    """Follow tasks one at a time, on an idle worker and on one that has half of what it can do."""
    sizes, deployment = setting.sizes, setting.deployment
    rounds: dict[str, list[dict[str, list[float]]]] = {IDLE: [], HALF_LOAD: []}
    hops: list[list[float]] = []
    numbers = itertools.count(_FIRST_PROBE)
    async with deployment.api() as api:
        capacity = await ours(sizes.capacity, deployment, api)
        for number in range(sizes.rounds):
            given = {"kafka": deployment.kafka, "topic": _TOPIC, "hops": sizes.probes}
            hops.append(await report_of(deployment.contender("kafka_hop", given)))
            async with deployment.workers(1, concurrency=sizes.capacity.concurrency, ready=True):
                rounds[IDLE].append(await _probed(deployment, api, numbers, sizes.probes))
                async with _load(api, capacity.per_second / 2):
                    rounds[HALF_LOAD].append(await _probed(deployment, api, numbers, sizes.probes))
            for case, measured in rounds.items():
                setting.tell(f"latency: round {number + 1}, {case}: {_told(measured[-1])}")
    rows = [
        _row(case, stretch, [by_stretch[stretch] for by_stretch in measured])
        for case, measured in rounds.items()
        for stretch in (SENT_TO_CALLED, ACCEPTED_TO_CALLED, ANSWERED_TO_VISIBLE)
    ]
    return [*rows, _row(IDLE, KAFKA_HOP, hops)]


def _row(case: str, stretch: str, rounds: Sequence[Sequence[float]]) -> Row:
    figures = {f"p{percent}_ms": [percentile(ms, percent) for ms in rounds] for percent in _GREATEST_PERCENTS}
    return Row(case, stretch, figures)


def _told(by_stretch: dict[str, list[float]]) -> str:
    return ", ".join(
        f"{stretch} p50 {percentile(ms, 50):.1f} ms p99 {percentile(ms, 99):.1f} ms"
        for stretch, ms in by_stretch.items()
    )


async def _probed(
    deployment: Deployment, api: ApiHandle, numbers: "itertools.count[int]", probes: int
) -> dict[str, list[float]]:
    """Milliseconds of each stretch, for each probe."""
    await deployment.model.plan(latency=_CALL_SECONDS, keep_instants=True)
    followed = [await _follow(api, number) for number in itertools.islice(numbers, probes)]
    instants = await deployment.model.instants()
    stretches: dict[str, list[float]] = {SENT_TO_CALLED: [], ACCEPTED_TO_CALLED: [], ANSWERED_TO_VISIBLE: []}
    for task in followed:
        called_at, answered_at = instants[task.number]
        stretches[SENT_TO_CALLED].append(1000 * (called_at - task.sent_at))
        stretches[ACCEPTED_TO_CALLED].append(1000 * (called_at - task.accepted_at))
        stretches[ANSWERED_TO_VISIBLE].append(1000 * (task.visible_at - answered_at))
    return stretches


async def _follow(api: ApiHandle, number: int) -> Followed:
    sent_at = time.monotonic()
    task_ids = await api.submit([prompt(number)])
    accepted_at = time.monotonic()
    await asyncio.sleep(_LOOK_SHARE * _CALL_SECONDS)
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            # One GET after the other: how soon a result can be seen is what is measured.
            while not await api.completed(task_ids):
                pass
    except TimeoutError:
        raise NotAsPromised(f"a task had no result {_WITHIN_SECONDS:g} s after it was accepted") from None
    return Followed(number, sent_at, accepted_at, time.monotonic())


@asynccontextmanager
async def _load(api: ApiHandle, prompts_a_second: float) -> AsyncIterator[None]:
    """Submit at a steady rate while the body runs, and then wait until all of it is done."""
    submitted: list[str] = []
    submitting = asyncio.create_task(_submit(api, prompts_a_second, submitted), name="load")
    try:
        yield
    finally:
        submitting.cancel()
        [ended] = await asyncio.gather(submitting, return_exceptions=True)
    _raise_unless_cancelled(ended)
    await api.all_completed(submitted)


def _raise_unless_cancelled(ended: Any) -> None:
    if isinstance(ended, BaseException) and not isinstance(ended, asyncio.CancelledError):
        raise ended


async def _submit(api: ApiHandle, prompts_a_second: float, submitted: list[str]) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    for start in itertools.count(step=_PROMPTS_A_POST):
        submitted += await api.submit([prompt(start + index) for index in range(_PROMPTS_A_POST)])
        due += _PROMPTS_A_POST / prompts_a_second
        await asyncio.sleep(max(0.0, due - loop.time()))

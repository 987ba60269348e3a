"""Tasks cancelled at random moments: how soon the model's connection is closed."""

import asyncio
import time
from random import Random

from benchmarks.deployment import ApiHandle, NotAsPromised
from benchmarks.prompts import prompt
from benchmarks.row import Row
from benchmarks.setting import OURS, Setting
from benchmarks.sizes import CancelCase
from benchmarks.spread import percentile

ASKED_TO_CLOSED = "cancellation sent to connection closed"
ASKED_TO_ANSWERED = "cancellation sent to its answer"
_PERCENTS = (50, 99)
# A call takes so long on average, by the slots there are, that every slot is busy while tasks are cancelled.
_SHARE_OF_SLOTS_TIME = 2.0
_LEAVING_SECONDS = 5.0


async def measure(setting: Setting) -> list[Row]:
    """Cancel every task once, most of them while they are called."""
    case = setting.sizes.cancel
    closed: list[list[float]] = []
    answered: list[list[float]] = []
    async with setting.deployment.api() as api:
        for number in range(setting.sizes.rounds):
            in_round = await _cancelled(setting, case, api, Random(number))  # noqa: S311 - moments are no secret
            closed.append(in_round[0])
            answered.append(in_round[1])
            setting.tell(f"cancel: round {number + 1}: {len(closed[-1])} calls closed, {_told(closed[-1])}")
    return [_row(case, ASKED_TO_CLOSED, closed), _row(case, ASKED_TO_ANSWERED, answered)]


def _row(case: CancelCase, stretch: str, rounds: list[list[float]]) -> Row:
    figures = {f"p{percent}_ms": [percentile(ms, percent) for ms in rounds] for percent in _PERCENTS}
    return Row(f"{OURS}: {case.name}", stretch, figures)


def _told(milliseconds: list[float]) -> str:
    p50, p99 = (percentile(milliseconds, percent) for percent in _PERCENTS)
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


async def _cancelled(
    setting: Setting, case: CancelCase, api: ApiHandle, random: Random
) -> tuple[list[float], list[float]]:
    """Milliseconds from each request to the end of its call, and to its own answer."""
    deployment, model = setting.deployment, setting.deployment.model
    seconds_a_call = _SHARE_OF_SLOTS_TIME * case.seconds * case.workers * case.concurrency / case.tasks
    await model.plan(latency=seconds_a_call, jitter=1.0, keep_instants=True)
    async with deployment.workers(case.workers, concurrency=case.concurrency, ready=True):
        task_ids = await api.submit_all([prompt(number) for number in range(case.tasks)])
        asked_at: dict[int, float] = {}
        milliseconds: list[float] = []
        began_at = time.monotonic()

        async def cancel(number: int, after: float) -> str:
            await asyncio.sleep(max(0.0, began_at + after - time.monotonic()))
            asked_at[number] = time.monotonic()
            status = await api.cancel(task_ids[number])
            milliseconds.append(1000 * (time.monotonic() - asked_at[number]))
            return status

        statuses = await asyncio.gather(
            *(cancel(number, random.uniform(0, case.seconds)) for number in range(case.tasks))
        )
        async with asyncio.timeout(_LEAVING_SECONDS):
            while (counts := await model.counts()).answered + counts.abandoned < counts.begun:  # noqa: ASYNC110 - it is elsewhere
                await asyncio.sleep(0.01)
        left, answered = await model.left(), await model.instants()
    for number, status in enumerate(statuses):
        if status == "completed" and (number in left or number not in answered):
            raise NotAsPromised("a task is completed whose call was closed")
    return [1000 * (at - asked_at[number]) for number, at in left.items()], milliseconds

"""What a scale step costs: no call is repeated, and how long the group starts none."""

import itertools
import time
from collections.abc import Awaitable, Callable

from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView

CONCURRENCY = 8
LATENCY_SECONDS = 0.5
# Far above what docs/operations.md says was seen, far below a session: nobody may wait for a member that is gone.
MOST_PAUSE_SECONDS = 5.0
TASKS = 1200


async def pause_of(step: Callable[[], Awaitable[object]], model: FakeModel) -> float:
    """Return the longest time in which the model got no call while a step was made, in seconds."""
    before = len(await model.calls())
    began = time.time()
    await step()
    ended = time.time()
    # The step counts until calls come again.
    await model.wait_for_calls(before + 4 * CONCURRENCY)
    starts = sorted(call.started_at for call in await model.calls())
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts) if later > began and earlier < ended]
    return max(gaps)


async def test_a_scale_step_repeats_no_call_and_pauses_for_less_than_a_session(
    deployment: Deployment,
    kafka_view: KafkaView,
    fake_model: FakeModel,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    api = await deployment.start_api()
    await deployment.start_workers(2, concurrency=CONCURRENCY)
    await kafka_view.wait_for_workers(2)
    await fake_model.behave(latency_seconds=LATENCY_SECONDS, jitter_seconds=LATENCY_SECONDS / 2)
    task_ids = await api.submit([f"prompt {number}" for number in range(TASKS)])
    await fake_model.wait_for_calls(4 * CONCURRENCY)

    async def one_more() -> None:
        await deployment.start_worker(concurrency=CONCURRENCY)
        await kafka_view.wait_for_workers(3)

    async def one_less() -> None:
        leaving = deployment.workers[0]
        leaving.terminate()
        assert await leaving.exit_status() == 0
        await kafka_view.wait_for_workers(2)

    pauses = {"one more": await pause_of(one_more, fake_model), "one less": await pause_of(one_less, fake_model)}
    for step, seconds in pauses.items():
        record_testsuite_property(f"pause of {step}, ms", round(seconds * 1000))
    await api.wait_until_completed(task_ids, deadline=180)
    stats = await fake_model.stats()
    assert (stats.calls, stats.most_calls_of_one_prompt, stats.client_disconnected) == (TASKS, 1, 0)
    assert max(pauses.values()) < MOST_PAUSE_SECONDS, pauses

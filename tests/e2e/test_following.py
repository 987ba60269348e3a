"""Text that is followed while it comes, by clients that are cut off, over APIs and workers that are killed."""

import itertools

import aiohttp

from tests.support.api import Api
from tests.support.deployment import Deployment
from tests.support.events import Event, following, text_of
from tests.support.fake_model import FakeModel
from tests.support.waiting import until

WORDS = " ".join(f"wörd{number}" for number in range(60))
PROMPT = f"{WORDS} [[chunk-latency=0.05]]"
WHOLE = f"echo: {PROMPT}"


async def some(api: Api, task_id: str, count: int, *, after: str | None) -> list[Event]:
    """So many events of the stream, fewer where it ends."""
    seen: list[Event] = []
    async with following(api, f"/v1/tasks/{task_id}/events", after=after) as events:
        async for event in events:
            seen.append(event)
            if len(seen) == count:
                break
    return seen


async def test_a_text_is_whole_for_a_client_that_is_cut_off_again_and_again(
    deployment: Deployment, fake_model: FakeModel
) -> None:
    apis = [await deployment.start_api(), await deployment.start_api()]
    await deployment.start_worker(concurrency=4)
    [task_id] = await apis[0].submit([PROMPT], stream=True)
    seen: list[Event] = []
    for api in itertools.cycle(apis):
        events = await some(api, task_id, 4, after=seen[-1].id if seen else None)
        seen += events
        if not events:
            break
    assert seen[-1].data["status"] == "completed"
    assert text_of(seen) == WHOLE
    assert [event.name for event in seen if event.name == "reset"] == []
    assert len({event.id for event in seen}) == len(seen)
    assert len([event for event in seen if event.name == "delta"]) >= 10
    assert seen[-1].data == await apis[0].task(task_id)
    [call] = await fake_model.calls()
    assert call.body["stream"] is True


async def test_a_client_of_a_killed_api_goes_on_at_another(deployment: Deployment) -> None:
    first = await deployment.start_api()
    second = await deployment.start_api()
    await deployment.start_worker(concurrency=4)
    [task_id] = await first.submit([PROMPT], stream=True)
    seen: list[Event] = []
    try:
        async with following(first, f"/v1/tasks/{task_id}/events") as events:
            async for event in events:
                seen.append(event)
                if len(text_of(seen)) > len(WHOLE) // 3 and deployment.apis[0].is_running():
                    await deployment.apis[0].kill()
    except aiohttp.ClientError:
        pass
    assert seen[-1].data["status"] == "processing"
    async with following(second, f"/v1/tasks/{task_id}/events", after=seen[-1].id) as events:
        rest = await events.rest()
    assert text_of([*seen, *rest]) == WHOLE
    assert text_of(rest)
    assert rest[-1].data["status"] == "completed"


async def test_a_worker_that_is_killed_has_its_text_replaced(deployment: Deployment, fake_model: FakeModel) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=4, worker__lease_seconds=2, worker__session_timeout_seconds=6)
    [task_id] = await api.submit([PROMPT], stream=True)
    seen: list[Event] = []
    async with following(api, f"/v1/tasks/{task_id}/events") as events:
        async for event in events:
            seen.append(event)
            if len(text_of(seen)) > len(WHOLE) // 3 and len(deployment.workers) == 1:
                await deployment.workers[0].kill()
                await deployment.start_worker(concurrency=4, worker__lease_seconds=2, worker__session_timeout_seconds=6)
    names = [event.name for event in seen]
    assert names.count("reset") == 1
    assert "delta" in names[: names.index("reset")]
    assert "delta" in names[names.index("reset") :]
    assert text_of(seen) == WHOLE
    assert (seen[-1].data["status"], seen[-1].data["attempts"]) == ("completed", 2)

    async def has_left() -> bool:
        return (await fake_model.stats()).client_disconnected == 1

    await until(has_left)

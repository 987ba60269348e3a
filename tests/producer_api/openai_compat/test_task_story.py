"""One task's story on a real store."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from common.store.claims import Hold, MoreText
from common.store.dialling import Dialler
from common.store.moves import MoveChannel
from common.store.scripts import StoreUnavailable
from common.store.subscription import Subscription
from common.store.texts import Texts
from common.store.wire import Heard, Wire
from common.task import Status, Task, new_task_id
from producer_api.following import Following
from producer_api.openai_compat.happenings import Ended, Happening, Position, Queued, Silence, Started, Stopping, Text
from producer_api.openai_compat.task_story import Reading, Stories
from producer_api.tasks.listener import MOST_MOVES, TooSlow
from tests.producer_api.tasks.conftest import Scene
from tests.support.waiting import until


@pytest.fixture
def stories(scene: Scene) -> Stories:
    return Stories(
        scene.lookup, Texts(scene.redis.link, scene.keys), scene.following, clock=time.monotonic, now=time.time
    )


async def tell(scene: Scene, task: Task, start: int, content: bytes) -> None:
    reply = await scene.leases.claim(task, token="a", partition=0, offset=0)
    more = MoreText(reply.claim, start, content, 1, 30)  # type: ignore[union-attr]
    assert await scene.leases.stream([(more, True)]) == [Hold.HELD]


async def rest(happenings: AsyncIterator[Happening]) -> list[Happening]:
    return [happening async for happening in happenings]


async def test_a_story_begins_where_its_reader_left_off_and_goes_on_to_the_end(scene: Scene, stories: Stories) -> None:
    task = (await scene.claimed()).claim.task
    await tell(scene, task, 0, b"abc")
    async with stories.of(task.task_id, Reading(since=Position(1, 1, 1)), tenant="t") as happenings:
        assert await anext(happenings) == Started(1, 1)
        assert await anext(happenings) == Text(1, 1, 1, "bc")
        await tell(scene, task, 3, "ö".encode())
        assert await anext(happenings) == Text(1, 1, 3, "ö")
        await scene.finished(task)
        [ended] = await rest(happenings)
    assert isinstance(ended, Ended)
    assert ended.state is not None
    assert ended.state.status is Status.FAILED
    assert scene.following.followers == 0


async def test_what_is_missed_is_read_when_the_store_is_heard_again(scene: Scene, stories: Stories) -> None:
    task = (await scene.claimed()).claim.task
    async with stories.of(task.task_id, Reading(), tenant="t") as happenings:
        assert await anext(happenings) == Started(1, 1)
        await scene.cut()
        await tell(scene, task, 0, b"abc")
        await tell(scene, task, 3, b"def")
        scene.gate.set()
        assert await anext(happenings) == Text(1, 1, 0, "abcdef")


async def test_a_story_of_which_nothing_is_told_gives_signs_of_life(scene: Scene, stories: Stories) -> None:
    task = (await scene.claimed()).claim.task
    async with stories.of(task.task_id, Reading(keep_alive_seconds=0.02), tenant="t") as happenings:
        assert await anext(happenings) == Started(1, 1)
        assert [await anext(happenings) for _ in range(3)] == [Silence()] * 3


@pytest.mark.parametrize("lingers", [0.0, 0.1])
async def test_a_story_is_cut_short_when_the_process_ends(scene: Scene, stories: Stories, lingers: float) -> None:
    task = (await scene.claimed()).claim.task
    async with stories.of(task.task_id, Reading(lingers_seconds=lingers), tenant="t") as happenings:
        assert await anext(happenings) == Started(1, 1)
        scene.following.stop()
        assert await rest(happenings) == [Stopping()]


async def test_a_story_that_lingers_has_its_end_while_the_process_ends(scene: Scene, stories: Stories) -> None:
    """Also one that begins then: its task was accepted just before."""
    task = (await scene.claimed()).claim.task
    scene.following.stop()
    async with stories.of(task.task_id, Reading(lingers_seconds=250), tenant="t") as happenings:
        assert await anext(happenings) == Started(1, 1)
        await scene.finished(task)
        [ended] = await rest(happenings)
    assert isinstance(ended, Ended)


async def test_a_task_that_is_not_shown_yet_is_waited_for(scene: Scene, stories: Stories) -> None:
    now = time.time()
    task = Task(task_id=new_task_id(), tenant="t", body={}, created_at=now, expires_at=now + 3600)
    await scene.whole()
    async with stories.of(task.task_id, Reading(appears_by=now + 3600, keep_alive_seconds=0.02), tenant="t") as story:
        assert await anext(story) == Silence()
        await scene.leases.claim(task, token="a", partition=0, offset=0)
        await scene.finished(task)
        last = [happening for happening in await rest(story) if not isinstance(happening, Silence)][-1]
    assert isinstance(last, Ended)
    assert last.state is not None


async def test_who_waits_for_a_task_just_made_waits_for_redis_too(scene: Scene) -> None:
    task = (await scene.claimed()).claim.task
    dialler, gate = Dialler(scene.redis_settings, "another"), asyncio.Event()

    async def connect(heard: Heard) -> Wire:
        await gate.wait()
        return await dialler.connect(heard)

    subscription = Subscription(connect, timeout_seconds=0.05, jitter=lambda: 0.5)
    following = Following(MoveChannel(subscription, scene.keys), max_followers=2, max_tasks=2)
    texts = Texts(scene.redis.link, scene.keys)
    stories = Stories(scene.lookup, texts, following, clock=time.monotonic, now=time.time)
    hearing = asyncio.create_task(following.run())

    async def first(reading: Reading) -> Happening:
        async with stories.of(task.task_id, reading, tenant="t") as happenings:
            return await anext(happenings)

    patient = asyncio.create_task(first(Reading(appears_by=time.time() + 3600)))
    with pytest.raises(StoreUnavailable):
        await first(Reading())
    gate.set()
    assert await patient == Started(1, 1)
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)


async def test_a_task_of_somebody_else_or_of_nobody_has_no_story(scene: Scene, stories: Stories) -> None:
    task = (await scene.claimed()).claim.task
    await scene.whole()
    for task_id, tenant in ((task.task_id, "another"), (new_task_id(), "t")):
        async with stories.of(task_id, Reading(), tenant=tenant) as happenings:
            assert await rest(happenings) == [Ended(None)]


async def test_a_reader_that_is_far_behind_is_told_so(scene: Scene, stories: Stories) -> None:
    claim = (await scene.claimed()).claim
    async with stories.of(claim.task.task_id, Reading(), tenant="t") as happenings:
        assert await anext(happenings) == Started(1, 1)
        for _ in range(MOST_MOVES + 1):
            await scene.leases.progress(claim, 30, may_restore=False)
        await scene.finished(claim.task)
        with pytest.raises(TooSlow):
            await rest(happenings)
    await until(lambda: scene.following.followers == 0)


async def test_a_queued_task_says_so(scene: Scene, stories: Stories) -> None:
    claim = (await scene.claimed()).claim
    await scene.leases.release(claim, delay_seconds=60, failures=1, called=True, may_restore=False)
    async with stories.of(claim.task.task_id, Reading(), tenant="t") as happenings:
        assert await anext(happenings) == Queued(1, 1)

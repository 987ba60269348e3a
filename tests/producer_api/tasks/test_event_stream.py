"""One stream on a real store, with a reader that the test is."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from common.connections import create_redis_subscription
from common.settings import RedisSettings
from common.store.keys import Keys
from common.store.leases import Claimed, Leases
from common.store.marker import Marker, SharedLooks
from common.store.moves import MoveChannel
from common.store.reading import TaskReader
from common.store.texts import Texts
from common.task import Task, new_task_id
from producer_api.following import Following, TooManyFollowers
from producer_api.tasks.event_stream import EventStream, Pace, TooSlow
from producer_api.tasks.listener import MOST_MOVES, Listener
from producer_api.tasks.lookup import Lookup
from tests.support.redis_client import Redis, create_redis
from tests.support.waiting import until


@dataclass
class Scene:
    """The parts of an API that follow tasks, and a worker."""

    redis: Redis
    keys: Keys
    following: Following
    lookup: Lookup
    leases: Leases

    def stream(self, *task_ids: str, pace: Pace) -> EventStream:
        return EventStream(
            task_ids, tenant="t", last_event_id=None, lookup=self.lookup, texts=Texts(self.redis.link, self.keys),
            following=self.following, clock=time.monotonic, now=time.time, pace=pace,
        )  # fmt: skip

    async def claimed(self) -> Claimed:
        now = time.time()
        task = Task(task_id=new_task_id(), tenant="t", body={}, created_at=now, expires_at=now + 3600)
        reply = await self.leases.claim(task, token="a", partition=0, offset=0)
        assert isinstance(reply, Claimed)
        return reply


@pytest.fixture
async def scene(redis_settings: RedisSettings) -> AsyncIterator[Scene]:
    redis, keys = create_redis(redis_settings, "tests"), Keys(redis_settings.key_prefix)
    following = Following(
        MoveChannel(create_redis_subscription(redis_settings, "tests-moves"), keys), max_followers=2, max_tasks=3
    )
    lookup = Lookup(
        TaskReader(redis.link, keys, result_ttl_seconds=60),
        SharedLooks(Marker(redis.link, keys)),
        max_answer_bytes=1 << 20,
    )
    leases = Leases(redis.link, keys, worker="w", lease_seconds=30, result_ttl_seconds=60, max_crashes=3)
    hearing = asyncio.create_task(following.run())
    yield Scene(redis, keys, following, lookup, leases)
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    await redis.aclose()


async def streaming(
    scene: Scene, task_id: str, listener: Listener, send: Callable[[bytes], Awaitable[None]], pace: Pace
) -> None:
    async with scene.following.follow([task_id], listener):
        await scene.stream(task_id, pace=pace).run(listener, send)


async def test_a_silent_stream_says_that_it_is_alive(scene: Scene) -> None:
    sent: list[bytes] = []

    async def send(content: bytes) -> None:
        sent.append(content)

    task_id = (await scene.claimed()).claim.task.task_id
    listener = Listener()
    running = asyncio.create_task(streaming(scene, task_id, listener, send, Pace(keep_alive_seconds=0.02)))
    await until(lambda: sent.count(b": keep-alive\n\n") >= 5)
    assert sent[0].startswith(b"id: ")
    listener.stop()
    await running
    assert set(sent[1:]) == {b": keep-alive\n\n"}


async def test_a_reader_that_takes_nothing_is_given_up_and_what_is_kept_for_it_is_bounded(scene: Scene) -> None:
    async def stuck(_content: bytes) -> None:
        await asyncio.Event().wait()

    claim = (await scene.claimed()).claim
    listener = Listener()
    running = asyncio.create_task(streaming(scene, claim.task.task_id, listener, stuck, Pace(send_timeout_seconds=1)))
    for _ in range(MOST_MOVES + 20):
        await scene.leases.progress(claim, 30, may_restore=False)
    with pytest.raises(TooSlow):
        await running
    await until(lambda: scene.following.followers == 0)


async def test_a_reader_that_is_far_behind_is_told_so(scene: Scene) -> None:
    held = asyncio.Event()

    async def slow(_content: bytes) -> None:
        await held.wait()

    claim = (await scene.claimed()).claim
    listener = Listener(most_moves=10)
    running = asyncio.create_task(streaming(scene, claim.task.task_id, listener, slow, Pace()))
    await until(lambda: scene.following.followers == 1)
    for _ in range(11):
        await scene.leases.progress(claim, 30, may_restore=False)
    await until(lambda: listener.overrun)
    assert listener.take() == []
    held.set()
    with pytest.raises(TooSlow):
        await running


async def test_the_end_of_the_process_is_not_held_up_by_a_reader_that_takes_nothing(scene: Scene) -> None:
    sending = asyncio.Event()

    async def stuck(_content: bytes) -> None:
        sending.set()
        await asyncio.Event().wait()

    task_id = (await scene.claimed()).claim.task.task_id
    listener = Listener()
    running = asyncio.create_task(streaming(scene, task_id, listener, stuck, Pace()))
    await sending.wait()
    scene.following.stop()
    with pytest.raises(TooSlow):
        async with asyncio.timeout(5):
            await running


async def test_more_than_may_follow_are_refused_and_room_comes_back(scene: Scene) -> None:
    async with scene.following.follow(["a"], Listener()):
        async with scene.following.follow(["a", "b"], Listener()):
            with pytest.raises(TooManyFollowers):
                async with scene.following.follow([], Listener()):
                    raise AssertionError("one too many")
        with pytest.raises(TooManyFollowers):
            async with scene.following.follow(["a", "b", "c"], Listener()):
                raise AssertionError("too many tasks")
        async with scene.following.follow(["b", "c"], Listener()):
            pass
    assert (scene.following.followers, scene.following.tasks_followed) == (0, 0)

"""What follows tasks in an API, on a real store, without its HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from common.settings import RedisSettings
from common.store.claims import Claimed
from common.store.dialling import Dialler
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.marker import Marker, SharedLooks
from common.store.moves import MoveChannel
from common.store.reading import TaskReader
from common.store.subscription import Subscription
from common.store.texts import Texts
from common.store.wire import Heard, Wire
from common.task import Status, Task, new_task_id
from producer_api.following import Following
from producer_api.tasks.event_stream import EventStream, Pace
from producer_api.tasks.lookup import Lookup
from tests.support.redis_client import Redis, create_redis
from tests.support.waiting import until

NAME = "tests-moves"


@dataclass
class Scene:
    """The parts of an API that follow tasks, and a worker. A subscription is made while `gate` is open."""

    redis: Redis
    redis_settings: RedisSettings
    keys: Keys
    following: Following
    lookup: Lookup
    leases: Leases
    gate: asyncio.Event

    async def cut(self) -> None:
        """Cut the subscription off, and keep another from being made."""
        self.gate.clear()
        [own] = [client for client in await self.redis.client_list() if client["name"] == NAME]
        await self.redis.client_kill_filter(_id=own["id"])
        await until(lambda: not self.following.is_up)

    def stream(self, *task_ids: str, pace: Pace) -> EventStream:
        return EventStream(
            task_ids, tenant="t", last_event_id=None, lookup=self.lookup, texts=Texts(self.redis.link, self.keys),
            following=self.following, clock=time.monotonic, now=time.time, pace=pace,
        )  # fmt: skip

    async def finished(self, task: Task) -> None:
        """End the task by the claim that `claimed` made, or by one of its own."""
        reply = await self.leases.claim(task, token="a", partition=0, offset=0)
        assert isinstance(reply, Claimed)
        await self.leases.finish(
            reply.claim, Status.FAILED, b"{}", finished_at=time.time(), failures=1, may_restore=False
        )

    async def whole(self) -> None:
        """Have what the store does not know not exist."""
        marker = Marker(self.redis.link, self.keys)
        await marker.set((await marker.identity()).run_id)

    async def claimed(self) -> Claimed:
        now = time.time()
        task = Task(task_id=new_task_id(), tenant="t", body={}, created_at=now, expires_at=now + 3600)
        reply = await self.leases.claim(task, token="a", partition=0, offset=0)
        assert isinstance(reply, Claimed)
        return reply


@pytest.fixture
async def scene(redis_settings: RedisSettings) -> AsyncIterator[Scene]:
    redis, keys = create_redis(redis_settings, "tests"), Keys(redis_settings.key_prefix)
    dialler, gate = Dialler(redis_settings, NAME), asyncio.Event()
    gate.set()

    async def connect(heard: Heard) -> Wire:
        await gate.wait()
        return await dialler.connect(heard)

    subscription = Subscription(connect, timeout_seconds=5, jitter=lambda: 0.5)
    following = Following(MoveChannel(subscription, keys), max_followers=2, max_tasks=3)
    lookup = Lookup(
        TaskReader(redis.link, keys, result_ttl_seconds=60),
        SharedLooks(Marker(redis.link, keys)),
        max_answer_bytes=1 << 20,
    )
    leases = Leases(redis.link, keys, worker="w", lease_seconds=30, result_ttl_seconds=60, max_crashes=3)
    hearing = asyncio.create_task(following.run())
    yield Scene(redis, redis_settings, keys, following, lookup, leases, gate)
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    await redis.aclose()

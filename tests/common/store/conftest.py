from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from common.settings import RedisSettings
from common.store.claims import Claim, Claimed, ClaimReply
from common.store.ending import Endings
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.reading import TaskReader
from common.store.redriving import Redriving
from common.store.state import TaskState
from common.store.submissions import Submissions
from common.task import Task
from tests.support.redis_client import Redis, create_redis

DAY = 24 * 3600


@dataclass
class Store:
    """The store of one test, with two workers."""

    redis: Redis
    keys: Keys
    submissions: Submissions = field(init=False)
    reader: TaskReader = field(init=False)
    endings: Endings = field(init=False)
    redriving: Redriving = field(init=False)
    leases: Leases = field(init=False)
    others: Leases = field(init=False)

    def __post_init__(self) -> None:
        self.submissions = Submissions(self.redis.link, self.keys, result_ttl_seconds=DAY)
        self.reader = TaskReader(self.redis.link, self.keys, result_ttl_seconds=DAY)
        self.endings = Endings(self.redis.link, self.keys, result_ttl_seconds=DAY)
        self.redriving = Redriving(self.redis.link, self.keys, result_ttl_seconds=DAY)
        self.leases = self.worker("one")
        self.others = self.worker("two")

    def worker(self, name: str, *, default_model: str | None = None) -> Leases:
        return Leases(
            self.redis.link, self.keys, worker=name, lease_seconds=30, result_ttl_seconds=DAY, max_crashes=3,
            default_model=default_model,
        )  # fmt: skip

    async def claim(self, task: Task, token: str, leases: Leases | None = None) -> ClaimReply:
        return await (leases or self.leases).claim(task, token=token, partition=3, offset=7)

    async def claimed(self, task: Task) -> Claim:
        reply = await self.claim(task, "a")
        assert isinstance(reply, Claimed)
        return reply.claim

    async def read(self, task: Task) -> TaskState | None:
        [state] = await self.reader.read([task.task_id])
        return state

    async def state(self, task: Task) -> TaskState:
        state = await self.read(task)
        assert state is not None
        return state

    async def set(self, task: Task, **fields: int) -> None:
        """Turn the task's clock, or otherwise write past the moves."""
        for name, value in fields.items():
            await self.redis.hset(self.keys.task(task.task_id), name, str(value))


@pytest.fixture
async def store(redis_settings: RedisSettings) -> AsyncIterator[Store]:
    redis = create_redis(redis_settings, "tests")
    yield Store(redis, Keys(redis_settings.key_prefix))
    await redis.aclose()

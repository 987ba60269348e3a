import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from common.connections import create_redis_subscription
from common.settings import RedisSettings
from common.store.dialling import Dialler
from common.store.link import StoreUnavailable
from common.store.moves import Move, MoveChannel
from common.store.subscription import Subscription
from common.store.wire import Heard, Wire
from common.task import Status, Task, new_task_id
from tests.common.store.conftest import Store
from tests.support.redis_client import Redis
from tests.support.waiting import until

NAME = "tests-moves"


@dataclass
class Ears:
    """What was heard."""

    messages: list[tuple[bytes, bytes]] = field(default_factory=list)
    gaps: int = 0

    def heard(self, channel: bytes, content: bytes) -> None:
        self.messages.append((channel, content))

    def missed(self) -> None:
        self.gaps += 1


@asynccontextmanager
async def running(subscription: Subscription, ears: Ears) -> AsyncIterator[None]:
    hearing = asyncio.create_task(subscription.run(ears))
    try:
        yield
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def cut(redis: Redis) -> None:
    [own] = [client for client in await redis.client_list() if client["name"] == NAME]
    await redis.client_kill_filter(_id=own["id"])


async def test_what_is_published_after_a_channel_was_added_is_heard_and_nothing_once_it_is_removed(
    store: Store, redis_settings: RedisSettings
) -> None:
    subscription, ears = create_redis_subscription(redis_settings, NAME), Ears()
    async with running(subscription, ears):
        await subscription.add(["a", "b"])
        await store.redis.publish("a", "1")
        await store.redis.publish("c", "not ours")
        await subscription.add(["b", "c"])
        subscription.remove(["a"])
        await subscription.add(["b"])
        await store.redis.publish("a", "too late")
        await store.redis.publish("c", "2")
        await until(lambda: len(ears.messages) == 2)
        assert ears.messages == [(b"a", b"1"), (b"c", b"2")]
        assert ears.gaps == 1


async def test_after_a_lost_connection_all_channels_are_heard_again_and_the_gap_is_told(
    store: Store, redis_settings: RedisSettings
) -> None:
    dialler, gate = Dialler(redis_settings, NAME), asyncio.Event()
    gate.set()

    async def connect(heard: Heard) -> Wire:
        await gate.wait()
        return await dialler.connect(heard)

    subscription, ears = Subscription(connect, timeout_seconds=5, jitter=lambda: 0.5), Ears()
    async with running(subscription, ears):
        await subscription.add(["a"])
        gate.clear()
        await cut(store.redis)
        await until(lambda: not subscription.is_up)
        await store.redis.publish("a", "lost")
        adding = asyncio.create_task(subscription.add(["b"]))
        assert ears.gaps == 1
        gate.set()
        await adding
        await until(lambda: ears.gaps == 2)
        await store.redis.publish("a", "1")
        await store.redis.publish("b", "2")
        await until(lambda: len(ears.messages) == 2)
    assert ears.messages == [(b"a", b"1"), (b"b", b"2")]


async def test_a_redis_out_of_reach_is_said_to_who_would_hear(redis_settings: RedisSettings) -> None:
    settings = redis_settings.model_copy(update={"url": type(redis_settings.url)("redis://127.0.0.1:1/0")})
    subscription = Subscription(Dialler(settings, NAME).connect, timeout_seconds=0.2, jitter=lambda: 0.0)
    async with running(subscription, Ears()):
        with pytest.raises(StoreUnavailable):
            await subscription.add(["a"])


async def test_a_redis_that_forbids_subscriptions_is_as_good_as_out_of_reach(
    store: Store, redis_settings: RedisSettings
) -> None:
    await store.redis.acl_setuser(
        "deaf", enabled=True, passwords=["+pw"], categories=["+@all"], commands=["-subscribe"], keys=["*"]
    )
    address = redis_settings.url.get_secret_value().replace("redis://", "redis://deaf:pw@")
    settings = redis_settings.model_copy(update={"url": type(redis_settings.url)(address)})
    subscription, ears = create_redis_subscription(settings, NAME), Ears()
    async with running(subscription, ears):
        with pytest.raises(StoreUnavailable, match="NOPERM"):
            await subscription.add(["a"])
    await store.redis.acl_deluser("deaf")


Told = list[tuple[Status | None, int, int]]


async def test_every_move_of_a_task_is_told_once_each_later_than_the_one_before(
    store: Store, redis_settings: RedisSettings
) -> None:
    moves: list[Move] = []
    channel = MoveChannel(create_redis_subscription(redis_settings, NAME), store.keys)
    hearing = asyncio.create_task(channel.run(moves.append, lambda: None))
    task = Task(task_id=new_task_id(), tenant="t", body={}, created_at=1.0, expires_at=4e9)

    async def told(what: Callable[[], bool] = lambda: True) -> Told:
        await until(what)
        return [(move.status, move.progress, move.attempts) for move in moves]

    try:
        await channel.add([task.task_id])
        claim = await store.claimed(task)
        await store.claim(task, "a")
        await store.leases.renew([(claim, True)])
        await store.leases.progress(claim, 40, tokens=3, may_restore=True)
        await store.leases.release(claim, delay_seconds=0, failures=1, called=True, may_restore=True)
        claim = await store.claimed(task)

        async def later() -> bool:
            seconds, micros = await store.redis.time()
            return bool(moves) and 1000 * seconds + micros // 1000 > moves[-1].moved_at

        # Of what is forgotten no instant is known: moves within one millisecond count a few ahead of the clock.
        await told(lambda: len(moves) == 5)
        await until(later)
        await store.redis.delete(store.keys.task(task.task_id))
        await store.leases.renew([(claim, True)])
        await store.leases.finish(claim, Status.FAILED, b"{}", finished_at=2.0, failures=2, may_restore=True)
        await store.leases.finish(claim, Status.FAILED, b"{}", finished_at=2.0, failures=2, may_restore=True)
        await store.redriving.redrive([task])
        await store.endings.cancel([task.task_id], tenant="t")
        await store.endings.delete([task.task_id], tenant="t", token="x")
        assert await told(lambda: moves[-1:] != [] and moves[-1].status is None) == [
            (Status.PROCESSING, 25, 1),
            (Status.PROCESSING, 25, 1),
            (Status.PROCESSING, 40, 1),
            (Status.QUEUED, 0, 1),
            (Status.PROCESSING, 25, 2),
            (Status.PROCESSING, 25, 2),
            (Status.FAILED, 25, 2),
            (Status.QUEUED, 0, 0),
            (Status.CANCELLED, 0, 0),
            (None, 0, 0),
        ]
        # A claim that is repeated is told as the same move.
        instants = [move.moved_at for move in moves]
        assert instants.pop(1) == instants[0]
        assert instants == sorted(set(instants))
        assert [move.run for move in moves] == [1] * 7 + [2] * 3
        assert [move.is_end for move in moves] == [False] * 6 + [True, False, True, True]
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def test_the_store_shows_the_instant_that_was_told(store: Store, redis_settings: RedisSettings) -> None:
    moves: list[Move] = []
    channel = MoveChannel(create_redis_subscription(redis_settings, NAME), store.keys)
    hearing = asyncio.create_task(channel.run(moves.append, lambda: None))
    task = Task(task_id=new_task_id(), tenant="t", body={}, created_at=1.0, expires_at=4e9)
    try:
        await channel.add([task.task_id])
        claim = await store.claimed(task)
        await until(lambda: moves)
        assert (await store.state(task)).moved_at == moves[-1].moved_at
        await store.leases.finish(claim, Status.COMPLETED, b"{}", finished_at=2.0, failures=0, may_restore=True)
        await until(lambda: len(moves) == 2)
        assert (await store.state(task)).moved_at == moves[-1].moved_at
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)

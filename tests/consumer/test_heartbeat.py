"""A worker's word, on a real store, while it has no engine yet."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from common.settings import RedisSettings
from common.store.keys import Keys
from common.store.link import StoreUnavailable
from common.store.minutes import Minutes
from common.store.workers import Workers
from consumer.health import Health
from consumer.heartbeat import Heartbeat
from consumer.llm.metrics import LlmMetrics
from consumer.metrics import EngineMetrics
from tests.support.processes import Processes
from tests.support.redis_client import Redis, create_redis
from tests.support.servers import free_ports, own_valkey


@dataclass
class Scene:
    """A worker that counts, and Redis."""

    redis: Redis
    keys: Keys
    llm: LlmMetrics
    engine: EngineMetrics
    workers: Workers
    minutes: Minutes
    heartbeat: Heartbeat

    async def sums(self) -> dict[str, int]:
        """What the last two minutes have together."""
        together: dict[str, int] = {}
        for _, sums in await self.minutes.read(now=time.time(), minutes=2):
            for name, amount in sums.items():
                together[name] = together.get(name, 0) + amount
        return together


def a_scene(settings: RedisSettings) -> Scene:
    redis, keys, registry = create_redis(settings, "tests"), Keys(settings.key_prefix), CollectorRegistry()
    llm, engine = LlmMetrics(registry), EngineMetrics(registry)

    async def answers() -> bool:
        return True

    workers, minutes = Workers(redis.link, keys), Minutes(redis.link, keys, process="w")
    heartbeat = Heartbeat(
        workers,
        minutes,
        worker="w",
        host="here",
        version="1.2",
        concurrency=4,
        health=Health(answers, lambda: True, lambda: True),
        llm=llm,
        engine=engine,
    )
    return Scene(redis, keys, llm, engine, workers, minutes, heartbeat)


@pytest.fixture
async def scene(redis_settings: RedisSettings) -> AsyncIterator[Scene]:
    scene = a_scene(redis_settings)
    yield scene
    await scene.redis.aclose()


async def test_a_worker_that_cannot_reach_kafka_says_so(scene: Scene) -> None:
    await scene.heartbeat.beat()
    [seen] = await scene.workers.all()
    assert seen.report["hindrances"] == ["Kafka was not reached yet"]
    assert (seen.report["concurrency"], seen.report["in_flight"], seen.report["partitions"]) == (4, 0, [])


async def test_what_was_counted_is_told_once_and_the_last_of_it_when_the_worker_leaves(scene: Scene) -> None:
    await scene.heartbeat.beat()
    scene.llm.outcomes.labels("completed").inc(2)
    scene.llm.call_seconds.observe(0.3)
    scene.engine.waited.labels("one").observe(0.02)
    scene.engine.waited.labels("another").observe(0.02)
    for _ in range(2):
        await scene.heartbeat.beat()
    assert await scene.sums() == {
        "tasks:completed": 2, "call_le:0.5": 1, "call_ms": 300, "wait_le:0.025": 2, "wait_ms": 40,
    }  # fmt: skip
    scene.llm.tokens.labels("output").inc(7)
    await scene.heartbeat.leave()
    assert (await scene.sums())["tokens:output"] == 7
    assert await scene.workers.all() == []


async def test_a_worker_that_was_never_heard_leaves_without_a_word(scene: Scene) -> None:
    scene.llm.outcomes.labels("completed").inc()
    await scene.heartbeat.leave()
    assert await scene.sums() == {}


async def test_what_redis_did_not_hear_is_told_when_it_is_back(processes: Processes, tmp_path: Path) -> None:
    async with free_ports() as ports:
        valkey = await own_valkey(processes, ports, tmp_path)
        scene = a_scene(RedisSettings.model_validate({"url": valkey.address, "timeout_seconds": 1}))
        await scene.heartbeat.beat()
        await valkey.process.kill()
        scene.llm.outcomes.labels("failed").inc()
        with pytest.raises(StoreUnavailable):
            await scene.heartbeat.beat()
        await scene.heartbeat.leave()
        await valkey.process.start()
        await scene.heartbeat.beat()
        assert (await scene.sums())["tasks:failed"] == 1
        await scene.redis.aclose()

"""Real workers, an API, Kafka and a model, on a store that a test may wipe, halt, kill or put back in time."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from common.store.keys import Keys
from common.store.marker import Marker
from tests.support.api import Api, Entry
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.processes import LiveProcess
from tests.support.redis_client import Redis
from tests.support.servers import OwnServer
from tests.support.waiting import until

QUICK = {"worker__lease_seconds": 5, "worker__session_timeout_seconds": 6}


@dataclass(frozen=True)
class LossScene:
    deployment: Deployment
    valkey: OwnServer
    redis: Redis
    kafka: KafkaView
    model: FakeModel

    @property
    def keys(self) -> Keys:
        return Keys(self.deployment.redis.key_prefix)

    @property
    def marker(self) -> Marker:
        return Marker(self.redis.link, self.keys)

    async def start(self, *, workers: int = 2, concurrency: int = 4, **settings: object) -> Api:
        """An API and workers with short leases, all of them in the group."""
        api = await self.deployment.start_api()
        await asyncio.gather(*(self.start_worker(concurrency=concurrency, **settings) for _ in range(workers)))
        await self.kafka.wait_for_workers(workers)
        return api

    async def start_worker(self, *, concurrency: int = 4, **settings: object) -> LiveProcess:
        return await self.deployment.start_worker(concurrency=concurrency, **QUICK, **settings)

    async def wipe(self, *, rebuilder: bytes) -> None:
        """Wipe the store and, in the same step, give the rebuild's lease to somebody for a long time."""
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.flushall()
            pipeline.set(self.keys.rebuild_lease, rebuilder, px=600_000)
            await pipeline.execute()

    async def until_whole(self) -> None:
        """Wait until somebody has rebuilt the store."""

        async def whole() -> bool:
            return (await self.marker.identity()).is_whole

        await until(whole, what="the store to be whole")

    async def completed(self, api: Api, task_ids: Sequence[str], *, deadline: float = 120.0) -> list[Entry]:
        """Wait until every task is completed; an API that says that the store is being rebuilt is asked again."""

        async def states() -> Counter[str] | None:
            found: Counter[str] = Counter()
            for first in range(0, len(task_ids), 100):
                asked = ",".join(task_ids[first : first + 100])
                answer = await api.ask("GET", "/v1/tasks", params={"task_ids": asked})
                if answer.status == 503:
                    return None
                assert answer.status == 200, answer
                found.update(entry["status"] for entry in answer.body["tasks"])
            assert not found["not_found"], found
            return found if found == {"completed": len(task_ids)} else None

        await until(states, deadline=deadline, what=f"{len(task_ids)} tasks to be completed")
        return await api.tasks(task_ids)

    async def results(self) -> dict[str, set[bytes]]:
        """The distinct values of each task's result records."""
        found: dict[str, set[bytes]] = {}
        for record in await self.kafka.records(self.kafka.topics.results):
            found.setdefault(record.key.decode(), set()).add(record.value)
        return found

    async def check_each_once(self, task_ids: Sequence[str]) -> None:
        """No call was made twice, and every task has one outcome."""
        stats = await self.model.stats()
        assert (stats.calls, stats.most_calls_of_one_prompt) == (len(task_ids), 1)
        await self.kafka.wait_until_committed()
        results = await self.results()
        assert results.keys() == set(task_ids)
        assert {len(values) for values in results.values()} == {1}

    async def write_result(self, task_id: str, value: dict[str, object] | None) -> None:
        """Publish a result record, as a worker does."""
        await self.kafka.write_keyed(
            self.kafka.topics.results, task_id.encode(), None if value is None else orjson.dumps(value)
        )

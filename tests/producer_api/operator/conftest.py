"""Dead letters as workers write them, in the topic of the API that all tests share."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from common.connections import create_producer
from common.record import encode_task, task_headers
from common.store.claims import Claimed, Finish
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.marker import Marker
from common.store.reading import TaskReader
from common.store.state import TaskState
from common.task import Status, Task, new_task_id
from common.topics import MAX_DEAD_LETTER_BYTES, REFERENCE_CONTENT_TYPE, TopicNames
from tests.producer_api.conftest import RESULT_TTL_SECONDS, Service
from tests.support.api import Answer, Api
from tests.support.redis_client import Redis

ROOT = "/v1/operator/dead-letters"


def a_task(prompt: str = "hello", *, window: float = 600.0, **fields: Any) -> Task:
    """A task of long ago."""
    created_at = round(time.time() - 100_000, 3)
    return Task(
        **{
            "task_id": new_task_id(),
            "tenant": "local",
            "body": {"messages": [{"role": "user", "content": prompt}]},
            "created_at": created_at,
            "expires_at": created_at + window,
            **fields,
        }
    )


class Graveyard:
    """Writes dead letters and ends their tasks in the store, as a worker would."""

    def __init__(self, service: Service, producer: AIOKafkaProducer, redis: Redis, keys: Keys, leases: Leases) -> None:
        self.names = TopicNames(service.kafka.topic_prefix)
        self.producer = producer
        self._api = service.api
        self._leases = leases
        self._reader = TaskReader(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS)

    async def bury(
        self,
        task: Task,
        *,
        value: bytes | None = None,
        partition: int = 0,
        error_code: str = "model_error",
        reason: str = "The model server answered 500.",
        failed_at: float | None = None,
        headers: tuple[tuple[str, bytes], ...] = (),
    ) -> str:
        """Write the task's letter, or one of other bytes; its position."""
        return await self.write(
            encode_task(task) if value is None else value,
            [
                *task_headers(task),
                *headers,
                ("reason", reason.encode()),
                ("error-code", error_code.encode()),
                ("source-topic", self.names.interactive.encode()),
                ("source-partition", b"0"),
                ("source-offset", b"0"),
                ("failed-at", f"{time.time() if failed_at is None else failed_at:.3f}".encode()),
            ],
            partition=partition,
        )

    async def bury_by_reference(self, task: Task, source: tuple[str, int, int], *, sha256: str | None = None) -> str:
        """Write a letter that only says where the original stands; its position."""
        topic, partition, offset = source
        value = {"topic": topic, "partition": partition, "offset": offset, "size": 1, "sha256": sha256}
        headers = [("content-type", REFERENCE_CONTENT_TYPE), ("reason", b"unpublishable")]
        return await self.write(orjson.dumps(value), headers, key=task.task_id.encode())

    async def write(
        self, value: bytes | None, headers: list[tuple[str, bytes]], *, key: bytes = b"key", partition: int = 0
    ) -> str:
        place = await self.producer.send_and_wait(
            self.names.dead_letters, value, key=key, headers=headers, partition=partition
        )
        return f"{place.partition}-{place.offset}"

    async def end(self, task: Task, status: Status = Status.FAILED) -> None:
        """Let a worker end the task's run."""
        alive = replace(task, expires_at=time.time() + 600)
        reply = await self._leases.claim(alive, token=f"t{task.run}", partition=0, offset=0)
        assert isinstance(reply, Claimed)
        finished = await self._leases.finish(
            reply.claim, status, b"{}", finished_at=time.time(), failures=1, may_restore=True
        )
        assert finished is Finish.RECORDED

    async def state(self, task: Task) -> TaskState | None:
        [state] = await self._reader.read([task.task_id])
        return state

    async def redrive(self, **asked: Any) -> Answer:
        return await self._api.ask("POST", f"{ROOT}/redrive", json=asked)

    async def fates(self, **asked: Any) -> list[tuple[str, int | None]]:
        """Status and run of each letter redriven."""
        answer = await self.redrive(**asked)
        assert answer.status == 200, answer
        return [(item["status"], item["run"]) for item in answer.body["items"]]


@pytest.fixture
async def graveyard(service: Service, redis: Redis, keys: Keys, leases: Leases) -> AsyncIterator[Graveyard]:
    marker = Marker(redis.link, keys)
    await marker.set((await marker.identity()).run_id)
    async with create_producer(service.kafka, "test", max_record_bytes=MAX_DEAD_LETTER_BYTES) as producer:
        yield Graveyard(service, producer, redis, keys, leases)


@pytest.fixture
def listed(api: Api) -> Callable[..., Any]:
    """Lists letters page by page; every page's answer."""

    async def listed(**params: Any) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = []
        after: str | None = None
        while not pages or after is not None:
            cursor = {} if after is None else {"after": after}
            answer = await api.ask("GET", ROOT, params={**params, **cursor})
            assert answer.status == 200, answer
            pages.append(answer.body)
            after = answer.body["next"]
        return pages

    return listed

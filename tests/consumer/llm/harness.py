"""The llm role without Kafka: real Valkey, the real SDK, the fake model; deliveries are made by hand."""

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from common.openai.native import NativeModels
from common.record import encode_task, task_headers
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.marker import Marker
from common.store.reading import TaskReader
from common.store.restoring import Restoring
from common.store.state import TaskState
from common.store.submissions import Submissions, Written
from common.task import Task, new_task_id
from common.topics import TopicNames
from consumer.engine.ports import Delivery, Outcome
from consumer.llm.brake import BrakePolicy
from consumer.llm.braking import Braking
from consumer.llm.chance import Chance
from consumer.llm.executor import Executor
from consumer.llm.kept_outcomes import KeptOutcomes
from consumer.llm.lease_keeper import LeaseKeeper
from consumer.llm.metrics import LlmMetrics
from consumer.llm.model_client import ModelClient
from consumer.llm.model_server import ModelServer, create_model_server
from consumer.llm.questions import Questions
from consumer.llm.recorder import Recorder
from consumer.llm.retry_budget import RetryBudget
from consumer.llm.retry_policy import RetryPolicy
from consumer.llm.store_pace import StorePace
from consumer.llm.store_watch import StoreWatch
from consumer.llm.text_flow import TextFlows
from consumer.llm.tracing import UntracedAttempts
from consumer.settings import LlmSettings
from tests.support.redis_client import Redis

InBackground = Callable[[Coroutine[Any, Any, Outcome]], asyncio.Task[Outcome]]

NAMES = TopicNames("test.")
DAY = 24 * 3600.0


def a_task(prompt: str = "hello", *, life: float = 100.0, **fields: Any) -> Task:
    """A task that lives for so many seconds from now."""
    now = time.time()
    return Task(
        **{
            "task_id": new_task_id(),
            "tenant": "local",
            "body": {"messages": [{"role": "user", "content": prompt}]},
            "created_at": now,
            "expires_at": now + life,
            **fields,
        }
    )


def a_delivery(task: Task, *, offset: int = 7, value: bytes | None = None) -> Delivery:
    """The task's record, or other bytes in its place."""
    return Delivery(
        topic=NAMES.tasks(task.lane),
        partition=3,
        offset=offset,
        key=None,
        value=encode_task(task) if value is None else value,
        headers=task_headers(task),
        timestamp_ms=round(task.created_at * 1000),
    )


@asynccontextmanager
async def model_server(base_url: str, api_key: str | None = "test-key") -> AsyncIterator[ModelServer]:
    """The way to a model as a worker has it."""
    key = None if api_key is None else SecretStr(api_key)
    server = create_model_server(LlmSettings(base_url=base_url, api_key=key), concurrency=10)
    yield server
    await server.close()


class Role:
    """One worker's llm role."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        server: ModelServer,
        *,
        name: str,
        lease_seconds: float = 30.0,
        call_timeout_seconds: float = 60.0,
        max_attempts: int = 5,
        max_crashes: int = 3,
        max_answer_bytes: int = 7 * 1024 * 1024,
        retries_per_second: float = 10.0,
        brake_records: int = 10,
    ) -> None:
        self.registry = CollectorRegistry()
        self.tokens = (f"{name}-{number}" for number in itertools.count())
        metrics = LlmMetrics(self.registry)
        self.leases = Leases(
            redis.link, keys, worker=name, lease_seconds=lease_seconds, result_ttl_seconds=DAY, max_crashes=max_crashes
        )
        reader = TaskReader(redis.link, keys, result_ttl_seconds=DAY)
        chance = Chance(now=time.time, clock=time.monotonic, jitter=lambda: 0.5, new_token=lambda: next(self.tokens))
        pace = StorePace(base_seconds=0.05, cap_seconds=0.2, jitter=chance.jitter)
        self.keeper = LeaseKeeper(self.leases, lease_seconds=lease_seconds, clock=chance.clock, metrics=metrics)
        self.kept = KeptOutcomes(
            Restoring(redis.link, keys, result_ttl_seconds=DAY), clock=chance.clock, metrics=metrics
        )
        self.watch = StoreWatch(
            Marker(redis.link, keys),
            self.keeper,
            self.kept,
            lease_seconds=lease_seconds,
            clock=chance.clock,
            metrics=metrics,
        )
        self.recorder = Recorder(
            leases=self.leases,
            reader=reader,
            kept=self.kept,
            pace=pace,
            names=NAMES,
            lease_seconds=lease_seconds,
            chance=chance,
            metrics=metrics,
        )
        self.braking = Braking(
            BrakePolicy(window_seconds=60, least_records=brake_records, probe_seconds=3600),
            clock=chance.clock,
            metrics=metrics,
        )
        self.texts = TextFlows(self.leases, pace=pace, clock=time.monotonic, metrics=metrics)
        self.executor = Executor(
            leases=self.leases,
            keeper=self.keeper,
            watch=self.watch,
            reader=reader,
            model=ModelClient(server, default_model="fake-model", max_answer_bytes=max_answer_bytes),
            questions=Questions(NativeModels("native-*"), "fake-model"),
            texts=self.texts,
            recorder=self.recorder,
            braking=self.braking,
            policy=RetryPolicy(base_seconds=1, cap_seconds=60, max_attempts=max_attempts),
            budget=RetryBudget(ratio=0.1, floor_per_second=retries_per_second, cap_seconds=60, now=time.monotonic()),
            pace=pace,
            names=NAMES,
            call_timeout_seconds=call_timeout_seconds,
            max_answer_bytes=max_answer_bytes,
            deadline_seconds=DAY,
            chance=chance,
            metrics=metrics,
            attempts=UntracedAttempts(),
        )

    async def handle(self, task: Task, **fields: Any) -> Outcome:
        """Handle the task's delivery."""
        return await self.executor.handle(a_delivery(task, **fields))

    def counted(self, name: str, **labels: str) -> float:
        """A metric's value; 0 when it was never touched."""
        return self.registry.get_sample_value(f"promptmill_{name}", labels) or 0.0


class Scene:
    """One store and one model, and as many workers as a test wants."""

    def __init__(self, redis: Redis, keys: Keys, server: ModelServer) -> None:
        self.redis = redis
        self.keys = keys
        self._server = server
        self._numbers = itertools.count(1)
        self._reader = TaskReader(redis.link, keys, result_ttl_seconds=DAY)

    async def accept(self, task: Task) -> None:
        """Show the task as queued, as the API does."""
        submissions = Submissions(self.redis.link, self.keys, result_ttl_seconds=DAY)
        await submissions.accept([Written(task, 3, 7)])

    async def whole(self) -> None:
        """Say that what the store does not know does not exist."""
        marker = Marker(self.redis.link, self.keys)
        await marker.set((await marker.identity()).run_id)

    def worker(self, **options: Any) -> Role:
        """One more worker."""
        return Role(self.redis, self.keys, self._server, name=f"worker{next(self._numbers)}", **options)

    @asynccontextmanager
    async def unreachable_worker(self) -> AsyncIterator[Role]:
        """A worker whose model's address nobody listens on."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with model_server(f"http://127.0.0.1:{taken.getsockname()[1]}/v1") as server:
                yield Role(self.redis, self.keys, server, name="astray")

    async def read(self, task: Task) -> TaskState | None:
        """The task as the store has it."""
        [state] = await self._reader.read([task.task_id])
        return state

    async def state(self, task: Task) -> TaskState:
        """The task that the store must have."""
        state = await self.read(task)
        assert state is not None
        return state

    async def set(self, task: Task, **fields: object) -> None:
        """Turn the task's clock, or otherwise write past the moves."""
        for name, value in fields.items():
            await self.redis.hset(self.keys.task(task.task_id), name, str(value))

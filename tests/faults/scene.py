"""The product under load, with everything a fault may take hold of."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import aiohttp
import orjson

from cli.stack.ports import Ports
from common.settings import KafkaSettings
from common.store.keys import Keys
from tests.faults.load import UNANSWERED, Load
from tests.faults.verdict import Evidence, Published, SeenCall, Shown
from tests.support.api import FINAL, Api
from tests.support.backend import kafka_settings_for, redis_settings_for, unique_prefix
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, running_fake_model
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.processes import LiveProcess, running_processes
from tests.support.redis_client import Redis, create_redis
from tests.support.servers import OwnServer
from tests.support.waiting import until

CONCURRENCY = 4
"""Slots of each worker."""

PATIENCE_SECONDS = 600.0
"""Longest wait for what a fault needs to go on: a soak's faults meet the backlog of those before them."""

SESSION_SECONDS, LEASE_SECONDS = 6.0, 5.0
"""The shortest session that Kafka allows, and a lease that lapses within it."""

QUICK: Mapping[str, object] = MappingProxyType(
    {
        "worker__session_timeout_seconds": SESSION_SECONDS,
        "worker__lease_seconds": LEASE_SECONDS,
        "worker__drain_timeout_seconds": 40,
        "worker__shutdown_grace_seconds": 50,
        "llm__call_timeout_seconds": 30,
        "llm__retry_base_seconds": 0.2,
        "llm__retry_cap_seconds": 2,
    }
)
_DEFAULT_LEASE_SECONDS, _DEFAULT_SESSION_SECONDS = 30, 10
_PARTITIONS = 12
_IDS_A_QUERY = 100


@dataclass(frozen=True, slots=True)
class Servers:
    """Kafka and Valkey that outlast a fault: every scene finds them running."""

    kafka: tuple[OwnServer, ...]
    valkey: OwnServer

    async def restore(self) -> None:
        """Start what was left ended and let go on what was left halted."""
        for server in (*self.kafka, self.valkey):
            if not server.process.is_running():
                await server.process.start()
            server.process.thaw()


@dataclass(slots=True)
class Scene:
    """What a fault acts on.

    Args:
        moments: When recoveries began, Unix seconds; where there is none, the fault's end is it.
        extra: Tasks that the fault submitted itself: prompts by id.
        may_end: Statuses in which a task may end, by id, where ``completed`` is not the one.
        unread: Ids whose answer nobody can read any more.
        deleted: Ids that the fault deleted.
        ended: Ids that were seen to be final.
        notes: What did not come in time.
    """

    deployment: Deployment
    api: Api
    workers: list[LiveProcess]
    model: FakeModel
    servers: Servers
    view: KafkaView
    redis: Redis
    load: Load
    random: Random
    worker_settings: Mapping[str, object]
    moments: list[float] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    may_end: dict[str, frozenset[str]] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    async def submit(self, prompts: list[str], *, may_end: str = "completed") -> list[str]:
        """Submit prompts beside the load that end in this status."""
        task_ids = await self.api.submit(prompts)
        self.extra.update(zip(task_ids, prompts, strict=True))
        self.may_end.update(dict.fromkeys(task_ids, frozenset({may_end})))
        return task_ids

    def recovery_begins(self) -> None:
        """Measure how long the tasks accepted so far take from now on."""
        self.moments.append(time.time())

    async def start_worker(self, module: str = "consumer") -> LiveProcess:
        """Add a worker to those under load."""
        worker = await self.deployment.start_worker(module, concurrency=CONCURRENCY, **self.worker_settings)
        self.workers.append(worker)
        return worker

    async def end_worker(self, worker: LiveProcess) -> None:
        """Take a worker away as a scale-in does: SIGTERM, and a good end."""
        worker.terminate()
        assert await worker.exit_status() == 0
        self.workers.remove(worker)

    @property
    def lease_seconds(self) -> float:
        """How long a task stays a silent worker's."""
        return float(str(self.worker_settings.get("worker__lease_seconds", _DEFAULT_LEASE_SECONDS)))

    @property
    def session_seconds(self) -> float:
        """How long a silent worker stays in the group."""
        return float(str(self.worker_settings.get("worker__session_timeout_seconds", _DEFAULT_SESSION_SECONDS)))

    async def lasting(self, seconds: float) -> None:
        """Let the load go on for a while, where the fault is one of time."""
        over = time.monotonic() + seconds
        await until(lambda: time.monotonic() >= over, deadline=seconds + 60)

    async def holder(self, task_id: str) -> int:
        """Return the process id of the worker that claimed a task last."""
        worker = await self.redis.hget(Keys(self.deployment.redis.key_prefix).task(task_id), "worker")
        assert isinstance(worker, bytes), f"nobody has claimed {task_id}"
        return int(worker.decode().rpartition("-")[2])

    async def calls_in_flight(self, *, each: int = 1) -> None:
        """Wait until the model has so many calls for each worker."""

        async def busy() -> bool:
            return (await self.model.stats()).in_flight >= each * len(self.workers)

        await until(busy, deadline=PATIENCE_SECONDS, what="calls in flight")

    async def model_called_more(self, count: int) -> None:
        """Wait until the model has had so many more calls."""
        enough = (await self.model.stats()).calls + count
        await until(lambda: self._called(enough), deadline=PATIENCE_SECONDS, what=f"{count} more calls")

    async def metric(self, sample: str) -> float:
        """Add up what all workers say of a metric."""
        return sum([await self.deployment.metric(worker, sample) for worker in self.workers])

    async def accepted_ended(self) -> None:
        """Wait until every task is final that the load has been promised so far."""
        unfinished = self.load.accepted.keys() - self.ended - self.deleted
        await self.api.wait_until_final(list(unfinished), deadline=PATIENCE_SECONDS)
        self.ended |= unfinished

    async def ends(self, deadline: float) -> Mapping[str, Shown]:
        """Wait until every accepted task is final, or for ``deadline`` seconds, and return what is shown of each."""
        shown: dict[str, Shown] = {}
        try:
            await until(lambda: self._all_final(shown), deadline=deadline, ignoring=UNANSWERED)
        except AssertionError as error:
            # The verdict tells what is missing, of every task.
            self.notes.append(str(error))
        return shown

    async def evidence(self, deadline: float) -> Evidence:
        """Wait for the end of every task and of every record, and gather what there is to see."""
        shown = await self.ends(deadline)
        try:
            await self.view.wait_until_committed(deadline=deadline)
        except AssertionError as error:
            self.notes.append(str(error))
        prompts = self.prompts()
        records = await self.view.records(self.view.topics.results)
        values: list[dict[str, Any]] = [orjson.loads(record.value) for record in records if record.value is not None]
        return Evidence(
            prompts=prompts,
            answers={
                prompt: f"echo: {prompt}"
                for task_id, prompt in self.load.accepted.items()
                if task_id not in self.unread
            },
            may_end=self.may_end,
            deleted=frozenset(self.deleted),
            calls=[SeenCall(call.prompt, not call.failed_on_purpose) for call in await self.model.calls()],
            published=[Published(value["task_id"], value["run"], value["token"], value["status"]) for value in values],
            shown=shown,
        )

    def prompts(self) -> dict[str, str]:
        """Return the prompt of every accepted task, by id."""
        return {**self.load.accepted, **self.extra}

    async def _called(self, count: int) -> bool:
        return (await self.model.stats()).calls >= count

    async def _all_final(self, shown: dict[str, Shown]) -> bool:
        unfinished = [task_id for task_id in self.prompts() if not _is_final(shown.get(task_id), task_id, self.deleted)]
        for start in range(0, len(unfinished), _IDS_A_QUERY):
            asked = unfinished[start : start + _IDS_A_QUERY]
            answer = await self.api.ask("GET", "/v1/tasks", params={"task_ids": ",".join(asked)})
            if answer.status != 200:
                return False
            for entry in answer.body["tasks"]:
                shown[entry["task_id"]] = Shown(entry["status"], entry.get("result"), entry.get("finished_at"))
        return all(_is_final(shown[task_id], task_id, self.deleted) for task_id in unfinished)


def _is_final(shown: Shown | None, task_id: str, deleted: set[str]) -> bool:
    if shown is None:
        return False
    return shown.status in FINAL or (task_id in deleted and shown.status == "not_found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a scene is set up."""

    workers: int = 3
    worker_settings: Mapping[str, object] = field(default_factory=lambda: QUICK)
    latency_seconds: float = 0.5
    requests_per_second: float = 4.0
    prompts_per_request: int = 3
    with_key: bool = False
    directives: str = ""
    seed: int = 1


@asynccontextmanager
async def scene(
    terms: Terms, *, servers: Servers, ports: Ports, folder: Path, started: list[LiveProcess]
) -> AsyncIterator[Scene]:
    """Run an API, workers and a model on the servers; nothing of them is left afterwards but topics and keys."""
    kafka = _kafka_settings(servers)
    redis_settings = redis_settings_for(servers.valkey.address, unique_prefix())
    async with AsyncExitStack() as parts:
        model = await parts.enter_async_context(
            running_fake_model(latency_seconds=terms.latency_seconds, jitter_seconds=terms.latency_seconds / 2)
        )
        session = await parts.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)))
        processes = await parts.enter_async_context(running_processes(started))
        deployment = Deployment(
            processes=processes,
            ports=ports,
            session=session,
            kafka=kafka,
            redis=redis_settings,
            model_url=model.base_url,
            folder=folder,
        )
        api, workers = await asyncio.gather(
            deployment.start_api(),
            deployment.start_workers(terms.workers, concurrency=CONCURRENCY, **terms.worker_settings),
        )
        view = await parts.enter_async_context(looking_into_kafka(kafka))
        await view.wait_for_workers(terms.workers)
        redis = create_redis(redis_settings, "test")
        parts.push_async_callback(redis.aclose)
        yield Scene(
            deployment=deployment,
            api=api,
            workers=workers,
            model=model,
            servers=servers,
            view=view,
            redis=redis,
            load=Load(
                api,
                requests_per_second=terms.requests_per_second,
                prompts_per_request=terms.prompts_per_request,
                with_key=terms.with_key,
                directives=terms.directives,
            ),
            random=Random(terms.seed),
            worker_settings=terms.worker_settings,
        )


def _kafka_settings(servers: Servers) -> KafkaSettings:
    settings = kafka_settings_for(servers.kafka[0].address, unique_prefix())
    update: dict[str, int] = {"task_partitions": _PARTITIONS}
    if len(servers.kafka) >= 3:
        update |= {"replication_factor": 3, "min_insync_replicas": 2}
    return settings.model_copy(update=update)

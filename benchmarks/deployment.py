"""Promptmill as it is measured: real Kafka and Valkey, real processes of both services, production settings."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import aiohttp
import orjson

from benchmarks.model.handle import ModelHandle, running_model
from benchmarks.programs import at_once, clean_environment, module_child
from benchmarks.prompts import MODEL
from cli.stack.cache import cache_dir
from cli.stack.child import Child, ChildProcess, running
from cli.stack.kafka import running_kafka
from cli.stack.ports import Ports
from cli.stack.probes import http_ok
from cli.stack.services import LOOPBACK, ServiceChildren, Surroundings, service_environment
from cli.stack.valkey import running_valkey
from common.connections import create_redis_link
from common.settings import RedisSettings

_IDS_A_QUERY = 100
_PROMPTS_A_REQUEST = 1000
_DRAIN_SECONDS = 20
_LOOK_SECONDS = 0.2


class NotAsPromised(RuntimeError):  # noqa: N818 - says what was seen
    """The product did not do what it is measured for: a figure of it would mean nothing."""


@dataclass(frozen=True, slots=True)
class ApiHandle:
    """A running API."""

    port: int
    pid: int
    session: aiohttp.ClientSession
    operations_port: int = 0

    async def submit(self, prompts: Sequence[str], *, streamed: bool = False) -> list[str]:
        """POST prompts, to be answered in pieces or not, and return their ids.

        Raises:
            NotAsPromised: Not every one was accepted.
        """
        content = orjson.dumps({"prompts": prompts, "stream": streamed})
        headers = {"content-type": "application/json"}
        async with self.session.post(self._url("/v1/tasks"), data=content, headers=headers) as answer:
            body = orjson.loads(await answer.read())
        if answer.status != 202 or any(entry["task_id"] is None for entry in body["tasks"]):  # noqa: PLR2004 - HTTP's
            raise NotAsPromised(f"a submission of {len(prompts)} prompts was answered {answer.status}")
        return [entry["task_id"] for entry in body["tasks"]]

    async def submit_all(self, prompts: Sequence[str], *, streamed: bool = False) -> list[str]:
        """POST any number of prompts, a thousand a request, and return their ids.

        Raises:
            NotAsPromised: Not every one was accepted.
        """
        task_ids: list[str] = []
        for start in range(0, len(prompts), _PROMPTS_A_REQUEST):
            task_ids += await self.submit(prompts[start : start + _PROMPTS_A_REQUEST], streamed=streamed)
        return task_ids

    async def completed(self, task_ids: Sequence[str]) -> int:
        """Return how many of the tasks are completed."""
        count = 0
        for start in range(0, len(task_ids), _IDS_A_QUERY):
            query = {"task_ids": ",".join(task_ids[start : start + _IDS_A_QUERY])}
            async with self.session.get(self._url("/v1/tasks"), params=query) as answer:
                body = orjson.loads(await answer.read())
            count += sum(entry["status"] == "completed" for entry in body["tasks"])
        return count

    async def all_completed(self, task_ids: Sequence[str], *, within: float = 120.0) -> None:
        """Wait until every task is completed.

        Raises:
            NotAsPromised: Some were not, within so many seconds.
        """
        count = 0
        try:
            async with asyncio.timeout(within):
                while (count := await self.completed(task_ids)) < len(task_ids):  # noqa: ASYNC110 - it is elsewhere
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise NotAsPromised(f"{count} of {len(task_ids)} tasks were completed within {within:g} s") from None

    async def cancel(self, task_id: str) -> str:
        """Cancel a task and return the status that it has then.

        Raises:
            NotAsPromised: There is no such task, or it has not ended.
        """
        async with self.session.post(self._url(f"/v1/tasks/{task_id}/cancel")) as answer:
            body = orjson.loads(await answer.read())
        if answer.status != 200 or body["status"] not in {"cancelled", "completed"}:  # noqa: PLR2004 - HTTP's
            raise NotAsPromised(f"a cancellation was answered {answer.status}")
        return str(body["status"])

    async def followers(self) -> int:
        """Return how many requests wait for tasks or follow them, by the API's own count."""
        async with self.session.get(f"http://{LOOPBACK}:{self.operations_port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return next(int(float(line.split()[1])) for line in lines if line.startswith("promptmill_api_followers "))

    def _url(self, path: str) -> str:
        return f"http://{LOOPBACK}:{self.port}{path}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where everything is; services are started and ended by each benchmark as it needs them.

    `environment` is what both services see.
    """

    kafka: str
    redis: str
    model: ModelHandle
    ports: Ports
    environment: dict[str, str]
    logs: Path

    @asynccontextmanager
    async def api(self) -> AsyncIterator[ApiHandle]:
        """Run an API."""
        port, operations_port = self.ports.free(), self.ports.free()
        child = self._children().api(
            host=LOOPBACK, port=port, operations_port=operations_port, stop_seconds=_DRAIN_SECONDS
        )
        timeout = aiohttp.ClientTimeout(total=60)
        async with running([child]) as [process], aiohttp.ClientSession(timeout=timeout) as session:
            yield ApiHandle(port, process.pid, session, operations_port)

    @asynccontextmanager
    async def workers(self, count: int, *, concurrency: int, ready: bool = False) -> AsyncIterator[list[ChildProcess]]:
        """Run workers, started together.

        Args:
            count: How many.
            concurrency: Slots of each.
            ready: Yield them when they say that they are ready, not as soon as they run.
        """
        children = [
            self._children().worker(
                number, concurrency=concurrency, operations_port=self.ports.free(), stop_seconds=_DRAIN_SECONDS
            )
            for number in range(1, count + 1)
        ]
        if not ready:
            children = [replace(child, ready=at_once) for child in children]
        async with running(children) as processes:
            yield processes

    def contender(
        self, name: str, given: Mapping[str, object], *, ready: Callable[[], Awaitable[bool]] = at_once
    ) -> Child:
        """Return a program of `benchmarks.contenders`, to be launched with these arguments."""
        log = self.logs / f"{name}.log"
        module = f"benchmarks.contenders.{name}"
        return module_child(name, module, json.dumps(given), log=log, env=os.environ, ready=ready)

    async def store_commands(self) -> int:
        """Return how many commands Redis has carried out since it started."""
        link = create_redis_link(RedisSettings.model_validate({"url": self.redis}), "bench")
        try:
            told = await link.execute("INFO", "stats")
        finally:
            await link.aclose()
        [line] = [line for line in told.decode().splitlines() if line.startswith("total_commands_processed:")]
        return int(line.partition(":")[2])

    def _children(self) -> ServiceChildren:
        return ServiceChildren(self.environment, self.logs)


@asynccontextmanager
async def running_deployment(folder: Path) -> AsyncIterator[Deployment]:
    """Start Kafka, Valkey and the model in an emptied folder; the logs stay there afterwards, the data does not."""
    shutil.rmtree(folder, ignore_errors=True)
    logs = folder / "logs"
    with Ports(cache_dir(os.environ) / "ports", Random()) as ports:  # noqa: S311 - a port is no secret
        async with (
            running_kafka(folder) as kafka,
            running_valkey(folder) as redis,
            running_model(ports, logs) as model,
        ):
            surroundings = Surroundings(
                kafka=kafka,
                replication_factor=1,
                min_insync_replicas=1,
                redis=redis,
                llm=model.base_url,
                llm_model=MODEL,
                llm_key="bench",
            )
            environment = service_environment(clean_environment(os.environ), surroundings)
            deployment = Deployment(kafka, redis, model, ports, environment, logs)
            # The first worker of an empty store sees to its marker, which is not what is measured.
            async with deployment.workers(1, concurrency=1, ready=True):
                pass
            yield deployment
    for data in ("kafka", "valkey"):
        shutil.rmtree(folder / data, ignore_errors=True)


@asynccontextmanager
async def running_no_op_api(deployment: Deployment) -> AsyncIterator[ApiHandle]:
    """Run our API's server around a route that does nothing."""
    port = deployment.ports.free()

    async def ready() -> bool:
        return await http_ok(port, "/nothing")

    child = module_child(
        "no-op-api",
        "benchmarks.contenders.no_op_api",
        str(port),
        log=deployment.logs / "no-op-api.log",
        env=os.environ,
        ready=ready,
    )
    async with running([child]) as [process], aiohttp.ClientSession() as session:
        yield ApiHandle(port, process.pid, session)

"""The product as a test runs it: any number of APIs and workers, as processes, on one Kafka, Valkey and model."""

import asyncio
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from cli.stack.child import Child
from cli.stack.ports import Ports
from cli.stack.probes import http_ok
from common.setting_names import variable_name
from common.settings import KafkaSettings, RedisSettings
from tests.support.api import Api
from tests.support.halting_api import MODULE as HALTING_API
from tests.support.processes import LiveProcess, Processes

# PYTHONPATH: a checkout that is not the installed one is tested as itself.
_FROM_OUTSIDE = ("HOME", "LANG", "PATH", "PYTHONPATH", "TZ")


class Deployment:
    """Starts services that belong together.

    Args:
        model_url: Base URL of the model, with ``/v1``.
        folder: Where the logs go.
    """

    def __init__(
        self,
        *,
        processes: Processes,
        ports: Ports,
        session: aiohttp.ClientSession,
        kafka: KafkaSettings,
        redis: RedisSettings,
        model_url: str,
        folder: Path,
    ) -> None:
        self.kafka = kafka
        self.redis = redis
        self.workers: list[LiveProcess] = []
        self.apis: list[LiveProcess] = []
        self._processes = processes
        self._ports = ports
        self._session = session
        self._model_url = model_url
        self._folder = folder
        self._numbers = itertools.count(1)
        self._operations_ports: dict[str, int] = {}

    async def start_api(self, **settings: object) -> Api:
        """Run an API until the test's end and return a client of it.

        Args:
            settings: More settings, by path: ``api__max_prompts_per_request=2``.
        """
        return await self._start_api(("producer_api",), settings)

    async def start_halting_api(self, step: str, **settings: object) -> Api:
        """Run an API that halts itself once at a step, named as ``tests.support.halting_api`` has it."""
        return await self._start_api((HALTING_API, step), settings)

    async def _start_api(self, program: Sequence[str], settings: dict[str, object]) -> Api:
        port, operations_port = self._ports.free(), self._ports.free()
        own = {"api__port": port, "api__operations_port": operations_port, **settings}
        self.apis.append(await self._start("api", program, operations_port, own))
        return Api(f"http://127.0.0.1:{port}", self._session)

    async def start_worker(self, module: str = "consumer", /, *, concurrency: int, **settings: object) -> LiveProcess:
        """Run a worker until the test's end.

        Args:
            module: What is run, where it is not the worker as it is.
            concurrency: Its slots.
            settings: More settings, by path: ``worker__lease_seconds=2``.
        """
        operations_port = self._ports.free()
        own = {"worker__concurrency": concurrency, "worker__operations_port": operations_port, **settings}
        worker = await self._start("worker", (module,), operations_port, own)
        self.workers.append(worker)
        return worker

    async def start_workers(self, count: int, *, concurrency: int, **settings: object) -> list[LiveProcess]:
        """Run several alike workers, started together, until the test's end."""
        return await asyncio.gather(*(self.start_worker(concurrency=concurrency, **settings) for _ in range(count)))

    async def answers(self, service: LiveProcess, path: str) -> bool:
        """Tell whether a service's operations port answers 200: `/livez`, `/readyz`, `/metrics`."""
        return await http_ok(self._operations_ports[service.name], path)

    def operations_address(self, service: LiveProcess) -> str:
        """Return host and port of a service's operations port."""
        return f"127.0.0.1:{self._operations_ports[service.name]}"

    async def says(self, service: LiveProcess, path: str) -> tuple[int, str]:
        """Return status and text of a service's operations port."""
        async with self._session.get(f"http://127.0.0.1:{self._operations_ports[service.name]}{path}") as response:
            return response.status, await response.text()

    async def metric(self, service: LiveProcess, sample: str) -> float:
        """Return a metric's value as the operations port tells it, 0 while it was never touched.

        Args:
            service: Whose.
            sample: Its name, with labels as Prometheus writes them: `promptmill_claims_total{reply="busy"}`.
        """
        _, text = await self.says(service, "/metrics")
        values = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{sample} ")]
        return float(values[0]) if values else 0.0

    async def _start(
        self, name: str, program: Sequence[str], operations_port: int, own: dict[str, object]
    ) -> LiveProcess:
        async def ready() -> bool:
            return await http_ok(operations_port, "/readyz")

        name = f"{name}-{next(self._numbers)}"
        self._operations_ports[name] = operations_port
        child = Child(
            name=name,
            argv=(sys.executable, "-P", "-m", *program),
            log=self._folder / f"{name}.log",
            ready=ready,
            env=self._environment(own),
        )
        return await self._processes.start(child)

    @property
    def settings(self) -> dict[str, str]:
        """The variables that say where Kafka, Redis and the model are, as each service gets them."""
        return {variable_name(*path.split("__")): str(value) for path, value in self._settings.items()}

    @property
    def _settings(self) -> dict[str, object]:
        return {
            "kafka__bootstrap_servers": self.kafka.bootstrap_servers,
            "kafka__topic_prefix": self.kafka.topic_prefix,
            "kafka__replication_factor": self.kafka.replication_factor,
            "kafka__min_insync_replicas": self.kafka.min_insync_replicas,
            "kafka__task_partitions": self.kafka.task_partitions,
            "redis__url": self.redis.url.get_secret_value(),
            "redis__key_prefix": self.redis.key_prefix,
            "llm__base_url": self._model_url,
            "llm__api_key": "test-key",
            "llm__model": "fake-model",
        }

    def _environment(self, own: dict[str, object]) -> dict[str, str]:
        settings = {**self._settings, **own}
        # Nothing else from outside: a developer's own settings must not decide a test.
        return {
            **{name: os.environ[name] for name in _FROM_OUTSIDE if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            **{variable_name(*path.split("__")): str(value) for path, value in settings.items()},
        }

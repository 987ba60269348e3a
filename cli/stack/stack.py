import asyncio
from collections.abc import Mapping, Sequence

from cli.stack.child import Child
from cli.stack.concurrency import all_done
from cli.stack.data_dir import DataDir
from cli.stack.kafka import prepare_kafka
from cli.stack.kafka_config import bootstrap_servers, replication
from cli.stack.kafka_install import install_kafka
from cli.stack.layout import Layout
from cli.stack.llm_choice import LlmChoice
from cli.stack.model import install_model, model_child
from cli.stack.options import StackOptions
from cli.stack.progress import Display
from cli.stack.services import LOOPBACK, ServiceChildren, Surroundings, service_environment
from cli.stack.stack_file import Addresses, Pids, StackFile
from cli.stack.supervision import Stage, SupervisedChild, Supervisor
from cli.stack.valkey import find_valkey, prepare_valkey, redis_url
from cli.stack.worker_env import WorkerEnvFile
from consumer.settings import WorkerSettings
from producer_api.settings import ApiSettings

# Past its own bound a worker still has to leave the group and close its clients.
_DRAIN_MARGIN_SECONDS = 15
# Past its own bound an API still has requests to answer that wait for no model.
_API_MARGIN_SECONDS = 40
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared with, not bound)


class Stack:
    """Kafka, Valkey, the local model and both services: what runs where, started in the order of their needs."""

    def __init__(
        self,
        *,
        options: StackOptions,
        api_settings: ApiSettings,
        worker_settings: WorkerSettings,
        environ: Mapping[str, str],
        data_dir: DataDir,
        layout: Layout,
        llm: LlmChoice,
        display: Display,
    ) -> None:
        self._options = options
        self._api_drain_seconds = api_settings.drain_timeout_seconds
        self._drain_seconds = worker_settings.drain_timeout_seconds
        self._environ = environ
        self._data_dir = data_dir
        self._layout = layout
        self._llm = llm
        self._display = display
        self._file = StackFile(data_dir.path)
        self._worker_env = WorkerEnvFile(data_dir.path)
        self._supervisor = Supervisor(data_dir.pids, display.say, self._note_replacement)
        self._running: dict[str, list[SupervisedChild]] = {}
        self._api_host = environ.get("PROMPTMILL_API__HOST") or LOOPBACK

    @property
    def addresses(self) -> Addresses:
        """Where everything is, or will be."""
        layout = self._layout
        host = LOOPBACK if self._api_host in _EVERYWHERE else self._api_host
        return Addresses(
            api=f"http://{host}:{layout.api}",
            operations=tuple(
                f"http://{LOOPBACK}:{port}" for port in (layout.api_operations, *layout.worker_operations)
            ),
            kafka=bootstrap_servers(layout.nodes),
            redis=redis_url(layout.redis),
            llm=self._llm.url,
        )

    async def start(self) -> None:
        """Start everything and wait until it is ready, then write `worker.env` and `stack.json`. Raises StackError."""
        await all_done(self._start_kafka(), self._start_valkey(), self._start_model())
        await all_done(self._start_api(), self._start_workers())
        self._worker_env.write(self._services.environment, self._options.concurrency)
        self._file.write(self.addresses, self._pids())

    async def run_until(self, stop: asyncio.Event) -> None:
        """Replace children that end until `stop`, then drain."""
        await self._supervisor.keep_running_until(stop)

    async def stop(self) -> None:
        """Drain: services first, Kafka last. Does nothing to what is stopped already."""
        await self._supervisor.stop()
        self._file.remove()
        self._worker_env.remove()

    def kill(self) -> None:
        """End every child at once."""
        self._supervisor.kill()

    async def _start_kafka(self) -> None:
        with self._display.step("Kafka") as step:
            program = await install_kafka(self._environ, step.expect, step.arrived)
            step.doing("starting")
            nodes, folder = self._layout.nodes, self._data_dir.kafka
            await self._start("kafka", Stage.KAFKA, await prepare_kafka(program, nodes, folder, self._data_dir.logs))

    async def _start_valkey(self) -> None:
        with self._display.step("Valkey") as step:
            step.doing("starting")
            server = await asyncio.to_thread(find_valkey, self._environ)
            child = prepare_valkey(server, self._layout.redis, self._data_dir.valkey, self._data_dir.logs)
            await self._start("redis", Stage.VALKEY, [child])

    async def _start_model(self) -> None:
        if not self._llm.local:
            return
        with self._display.step("Model") as step:
            step.doing("unpacking")
            model = await install_model(self._environ)
            step.doing("loading")
            child = model_child(model, self._layout.model, self._environ, self._data_dir.logs)
            await self._start("llm", Stage.MODEL, [child])

    async def _start_api(self) -> None:
        with self._display.step("API") as step:
            step.doing("starting")
            child = self._services.api(
                host=self._api_host,
                port=self._layout.api,
                operations_port=self._layout.api_operations,
                stop_seconds=self._api_drain_seconds + _API_MARGIN_SECONDS,
            )
            await self._start("api", Stage.SERVICES, [child])

    async def _start_workers(self) -> None:
        with self._display.step("Workers") as step:
            step.doing("starting")
            children = [
                self._services.worker(
                    number,
                    concurrency=self._options.concurrency,
                    operations_port=port,
                    stop_seconds=self._drain_seconds + _DRAIN_MARGIN_SECONDS,
                )
                for number, port in enumerate(self._layout.worker_operations, 1)
            ]
            await self._start("workers", Stage.SERVICES, children)

    async def _start(self, kind: str, stage: Stage, children: Sequence[Child]) -> None:
        self._running[kind] = [self._supervisor.add(stage, child) for child in children]
        await all_done(*(child.start() for child in self._running[kind]))

    @property
    def _services(self) -> ServiceChildren:
        replicas, in_sync = replication(self._options.brokers)
        surroundings = Surroundings(
            kafka=bootstrap_servers(self._layout.nodes),
            replication_factor=replicas,
            min_insync_replicas=in_sync,
            redis=redis_url(self._layout.redis),
            llm=self._llm.url,
            llm_model=self._llm.model,
            llm_key=self._llm.key,
        )
        return ServiceChildren(service_environment(self._environ, surroundings), self._data_dir.logs)

    def _note_replacement(self) -> None:
        self._file.write(self.addresses, self._pids())

    def _pids(self) -> Pids:
        pids = {kind: tuple(child.pid for child in children) for kind, children in self._running.items()}
        return Pids(
            api=pids["api"],
            workers=pids["workers"],
            kafka=pids["kafka"],
            redis=pids["redis"][0],
            llm=pids["llm"][0] if self._llm.local else None,
        )

"""Our images as testcontainers starts them, on a Kafka and a Valkey in one network with them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import aiohttp
from testcontainers.core.network import Network

from cli.stack.ports import Ports
from cli.stack.probes import http_ok
from tests.deploy.compose import image
from tests.deploy.project import MODEL_URL
from tests.support.api import Api
from tests.support.containers import KafkaContainer, LoopbackContainer, ValkeyContainer, started
from tests.support.waiting import until

CONCURRENCY = 2
# Longer than any of these tests' calls, and far shorter than what Docker is asked to wait.
_STOP_SECONDS = 120
_STORES = {
    "PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
    "PROMPTMILL_KAFKA__REPLICATION_FACTOR": "1",
    "PROMPTMILL_KAFKA__MIN_INSYNC_REPLICAS": "1",
    "PROMPTMILL_REDIS__URL": "redis://valkey:6379/0",
    "PROMPTMILL_LOG__FORMAT": "json",
}
_WORKER = {
    "PROMPTMILL_LLM__BASE_URL": MODEL_URL,
    "PROMPTMILL_LLM__API_KEY": "none",
    "PROMPTMILL_LLM__MODEL": "fake-model",
    "PROMPTMILL_WORKER__CONCURRENCY": str(CONCURRENCY),
    # Dead workers are noticed sooner.
    "PROMPTMILL_WORKER__SESSION_TIMEOUT_SECONDS": "6",
    "PROMPTMILL_WORKER__LEASE_SECONDS": "6",
}


class Container:
    """A container that runs, and can be stopped, killed and started again."""

    def __init__(self, running: LoopbackContainer) -> None:
        self._container = running.get_wrapped_container()

    async def stop(self) -> int:
        """Send SIGTERM, wait, and return the exit status; 137 is that of one that had to be killed."""
        await asyncio.to_thread(self._container.stop, timeout=_STOP_SECONDS)
        return int((await asyncio.to_thread(self._container.wait))["StatusCode"])

    async def kill(self) -> None:
        """Send SIGKILL, and wait until it has ended."""
        await asyncio.to_thread(self._container.kill)
        await asyncio.to_thread(self._container.wait)

    async def start(self) -> None:
        """Start one that has ended again, its disk as it was."""
        await asyncio.to_thread(self._container.start)


class Services:
    """An API on its own Kafka and Valkey, and as many workers as a test starts.

    Args:
        network: That of all of them, and of the model.
        kafka: The broker; it runs.
        api: A client of the API.
    """

    def __init__(self, network: Network, kafka: KafkaContainer, api: Api) -> None:
        self.kafka = kafka
        self.broker = Container(kafka)
        self.api = api
        self._network = network

    @asynccontextmanager
    async def workers(self, count: int) -> AsyncIterator[list[Container]]:
        """Run so many workers until the context is left."""
        async with AsyncExitStack() as stack:
            containers = [
                await stack.enter_async_context(started(ours("consumer", self._network, _STORES | _WORKER)))
                for _ in range(count)
            ]
            yield [Container(container) for container in containers]


def ours(target: str, network: Network, environment: dict[str, str]) -> LoopbackContainer:
    """Return a container of one of our images, that can write nothing and gain nothing, not started yet."""
    return LoopbackContainer(
        image(target),
        env=environment,
        network=network,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
    ).with_tmpfs_mount("/tmp")  # noqa: S108 - the container's own


@contextmanager
def own_network() -> Iterator[Network]:
    """Make a network; it is gone afterwards."""
    with Network() as network:
        yield network


@asynccontextmanager
async def running_services(ports: Ports, session: aiohttp.ClientSession, network: Network) -> AsyncIterator[Services]:
    """Run Kafka, Valkey and the API; nothing of them is left afterwards."""
    async with (
        started(KafkaContainer(ports.free(), network)) as kafka,
        started(ValkeyContainer(ports.free(), network)) as valkey,
    ):
        await asyncio.gather(kafka.wait_until_ready(), valkey.wait_until_ready())
        port, operations = ports.free(), ports.free()
        api = ours("api", network, _STORES).with_loopback_port(8000, port).with_loopback_port(8080, operations)
        async with started(api):
            await until(lambda: http_ok(operations, "/readyz"), deadline=120, what="the API")
            yield Services(network, kafka, Api(f"http://127.0.0.1:{port}", session))

"""Kafka and Valkey in containers, of the images and with the settings of docker-compose.yml."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar, cast

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from cli.stack.probes import kafka_ok, redis_ok
from cli.stack.valkey import redis_url
from tests.support.compose_file import composed_services, environment_of
from tests.support.servers import free_ports
from tests.support.waiting import until

_READY_SECONDS = 180.0
_KAFKA_HOST_LISTENER = 29092
# It lives for minutes, which is less than the second compiler needs to be worth its time.
_SHORT_LIVED = {"KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}


class LoopbackContainer(DockerContainer):
    """A container whose ports are published to this machine alone."""

    def with_loopback_port(self, inside: int, outside: int) -> Self:
        """Publish a port of the container on one of this machine."""
        # An address beside the port is docker-py's to take; testcontainers' annotation does not know of it.
        cast("dict[str, Any]", self.ports)[f"{inside}/tcp"] = ("127.0.0.1", outside)
        return self


AnyContainer = TypeVar("AnyContainer", bound=DockerContainer)


class KafkaContainer(LoopbackContainer):
    """Broker and controller in one, in KRaft mode; testcontainers' own class is for another vendor's image.

    Args:
        port: A free port of this machine, to be published and advertised.
        network: Where other containers find it as ``kafka:9092``.
    """

    def __init__(self, port: int, network: Network | None = None) -> None:
        service = composed_services()["kafka"]
        super().__init__(
            service["image"],
            env=environment_of(service, {"KAFKA_PORT": str(port)}) | _SHORT_LIVED,
            network=network,
            network_aliases=["kafka"],
            hostname=service["hostname"],
        )
        self.bootstrap = f"127.0.0.1:{port}"
        self.with_loopback_port(_KAFKA_HOST_LISTENER, port)

    async def wait_until_ready(self) -> None:
        """Wait until the broker answers this machine; it must have been started."""
        await until(lambda: kafka_ok(self.bootstrap), deadline=_READY_SECONDS, what="Kafka in its container")


class ValkeyContainer(LoopbackContainer):
    """A Valkey that appends every write and evicts nothing.

    Args:
        port: A free port of this machine, to be published.
        network: Where other containers find it as ``valkey:6379``.
    """

    def __init__(self, port: int, network: Network | None = None) -> None:
        service = composed_services()["valkey"]
        super().__init__(service["image"], network=network, network_aliases=["valkey"])
        self.port = port
        self.with_command(service["command"])
        self.with_loopback_port(6379, port)

    async def wait_until_ready(self) -> None:
        """Wait until the server answers this machine; it must have been started."""
        await until(lambda: redis_ok(self.port), deadline=_READY_SECONDS, what="Valkey in its container")


@asynccontextmanager
async def started(container: AnyContainer) -> AsyncIterator[AnyContainer]:
    """Run a container; nothing of it is left afterwards."""
    try:
        await asyncio.to_thread(container.start)
        yield container
    finally:
        await asyncio.to_thread(container.stop)


@asynccontextmanager
async def kafka_in_a_container() -> AsyncIterator[str]:
    """Run a Kafka on a free port; yields its bootstrap servers."""
    async with free_ports() as ports, started(KafkaContainer(ports.free())) as kafka:
        await kafka.wait_until_ready()
        yield kafka.bootstrap


@asynccontextmanager
async def valkey_in_a_container() -> AsyncIterator[str]:
    """Run a Valkey on a free port; yields its URL."""
    async with free_ports() as ports, started(ValkeyContainer(ports.free())) as valkey:
        await valkey.wait_until_ready()
        yield redis_url(valkey.port)

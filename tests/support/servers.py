"""Kafka and Valkey of one test's own, to be stopped, killed and frozen without harm to other tests."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from cli.stack.cache import cache_dir
from cli.stack.kafka import prepare_kafka
from cli.stack.kafka_config import Node, bootstrap_servers
from cli.stack.kafka_install import install_kafka
from cli.stack.ports import Ports
from cli.stack.valkey import find_valkey, prepare_valkey, redis_url
from tests.support.processes import LiveProcess, Processes


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server that keeps its port and its data while it is stopped and started again.

    ``address`` is Kafka's bootstrap servers or Valkey's URL.
    """

    address: str
    process: LiveProcess


@asynccontextmanager
async def free_ports() -> AsyncIterator[Ports]:
    """Yield ports of loopback that no other run of tests or stack takes until the context is left."""
    with Ports(cache_dir(os.environ) / "ports", Random()) as ports:
        yield ports


async def own_kafka(processes: Processes, ports: Ports, folder: Path) -> OwnServer:
    """Start a Kafka of one broker, its data and log in ``folder``."""
    (broker,) = await own_cluster(processes, ports, folder, brokers=1)
    return broker


async def own_cluster(processes: Processes, ports: Ports, folder: Path, *, brokers: int) -> tuple[OwnServer, ...]:
    """Start a Kafka of several brokers, their data and logs in ``folder``; each has the address of all of them."""
    nodes = [
        Node(number, ports.free(), ports.free(), folder / "kafka" / str(number)) for number in range(1, brokers + 1)
    ]
    program = await install_kafka(os.environ, lambda _total: None, lambda _bytes: None)
    children = await prepare_kafka(program, nodes, folder / "kafka", folder / "logs")
    started = await asyncio.gather(*(processes.start(child) for child in children))
    return tuple(OwnServer(bootstrap_servers(nodes), process) for process in started)


async def own_valkey(processes: Processes, ports: Ports, folder: Path) -> OwnServer:
    """Start a Valkey, its data and log in ``folder``."""
    port = ports.free()
    child = prepare_valkey(find_valkey(os.environ), port, folder / "valkey", folder / "logs")
    return OwnServer(redis_url(port), await processes.start(child))

import asyncio
import base64
import os
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from cli.stack.cache import cache_dir
from cli.stack.child import Child, ending, opened_log, running
from cli.stack.cluster_file import Cluster, read_cluster, write_cluster
from cli.stack.concurrency import all_done
from cli.stack.errors import StackError
from cli.stack.kafka_config import LOG4J, Node, bootstrap_servers, server_properties
from cli.stack.kafka_install import KafkaProgram, install_kafka
from cli.stack.ports import Ports
from cli.stack.probes import kafka_ok
from cli.stack.usable_path import check_usable
from cli.stack.whole_file import write_whole

_STOP_SECONDS = 20


async def prepare_kafka(program: KafkaProgram, nodes: Sequence[Node], folder: Path, logs: Path) -> list[Child]:
    """Write the nodes' configuration, format the disks of new ones, and return what is to be launched.

    Raises StackError when `folder` holds a cluster of another size or has a name that Kafka would misread, or a disk
    cannot be formatted.
    """
    check_usable(folder)
    cluster_id = _cluster_id(folder, len(nodes))
    children = [_child(program, node, logs) for node in nodes]
    for node in nodes:
        _configure(node, nodes)
    await all_done(
        *(
            _format(program, node, cluster_id, child.log)
            for node, child in zip(nodes, children, strict=True)
            if not (node.data / "meta.properties").exists()
        )
    )
    return children


def _cluster_id(folder: Path, brokers: int) -> str:
    known = read_cluster(folder)
    if known is None:
        known = Cluster(_new_cluster_id(), brokers)
        write_cluster(folder, known)
    elif known.brokers != brokers:
        raise StackError(
            f"{folder} holds the data of {known.brokers} broker(s), not of {brokers}: "
            f"use --brokers {known.brokers} or another --data-dir"
        )
    return known.cluster_id


def _configure(node: Node, nodes: Sequence[Node]) -> None:
    write_whole(node.properties, server_properties(node, nodes))
    write_whole(node.log4j, LOG4J)


def _new_cluster_id() -> str:
    """Draw a UUID in Kafka's spelling; one that begins with a hyphen would be read as an option."""
    while True:
        drawn = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not drawn.startswith("-"):
            return drawn


async def _format(program: KafkaProgram, node: Node, cluster_id: str, log: Path) -> None:
    tool = ("kafka.tools.StorageTool", "format", "--ignore-formatted")
    with opened_log(log) as output:
        process = await asyncio.create_subprocess_exec(
            *program.command(node.log4j, *tool, "-t", cluster_id, "-c", str(node.properties)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=program.environment(os.environ),
        )
        try:
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if status != 0:
        raise StackError(f"{node.name}: formatting its disk {ending(status)}", log=log)


def _child(program: KafkaProgram, node: Node, logs: Path) -> Child:
    async def ready() -> bool:
        return await kafka_ok(node.address)

    return Child(
        name=node.name,
        argv=program.command(node.log4j, "kafka.Kafka", str(node.properties)),
        log=logs / f"{node.name}.log",
        ready=ready,
        env=program.environment(os.environ),
        stop_seconds=_STOP_SECONDS,
    )


@asynccontextmanager
async def running_kafka(data_dir: Path, brokers: int = 1) -> AsyncIterator[str]:
    """Run a Kafka of its own on free ports, its data in `data_dir/kafka`; yields its bootstrap servers.

    Nothing restarts a broker that ends. Raises StackError when one cannot start.
    """
    folder = data_dir / "kafka"
    with Ports(cache_dir(os.environ) / "ports", random.Random()) as ports:  # noqa: S311 (a port is no secret)
        nodes = [Node(number, ports.free(), ports.free(), folder / str(number)) for number in range(1, brokers + 1)]
        program = await install_kafka(os.environ, lambda _total: None, lambda _bytes: None)
        async with running(await prepare_kafka(program, nodes, folder, data_dir / "logs")):
            yield bootstrap_servers(nodes)

"""The configuration of a KRaft cluster on one machine; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The largest topic's record limit is 8 MiB; a batch that holds such a record is a little larger.
_LARGEST_BATCH_BYTES = 9 << 20
_MOST_REPLICAS = 3

LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %p %m (%c{1})%n
"""


@dataclass(frozen=True, slots=True)
class Node:
    """A broker and controller in one; `folder` holds its configuration and its data."""

    node_id: int
    port: int
    controller_port: int
    folder: Path

    @property
    def name(self) -> str:
        """What logs and people call it."""
        return f"kafka-{self.node_id}"

    @property
    def address(self) -> str:
        """Where clients reach it: `host:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """Where its partitions and metadata are."""
        return self.folder / "data"

    @property
    def properties(self) -> Path:
        """Its configuration file."""
        return self.folder / "server.properties"

    @property
    def log4j(self) -> Path:
        """Its logging configuration."""
        return self.folder / "log4j2.properties"


def bootstrap_servers(nodes: Sequence[Node]) -> str:
    """Return what a client is given to find the cluster."""
    return ",".join(node.address for node in nodes)


def replication(brokers: int) -> tuple[int, int]:
    """Return the replication factor and `min.insync.replicas` for this many brokers."""
    replicas = min(brokers, _MOST_REPLICAS)
    return replicas, max(1, replicas - 1)


def server_properties(node: Node, nodes: Sequence[Node]) -> str:
    """Return the text of the configuration file of `node`, one of `nodes`."""
    replicas, in_sync = replication(len(nodes))
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": node.node_id,
        # Named here and not in the metadata log, so that a cluster may come back on other ports.
        "controller.quorum.voters": ",".join(f"{voter.node_id}@127.0.0.1:{voter.controller_port}" for voter in nodes),
        "listeners": f"BROKER://{node.address},CONTROLLER://127.0.0.1:{node.controller_port}",
        "advertised.listeners": f"BROKER://{node.address}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": node.data,
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        # A group on one machine need not wait for members still to come.
        "group.initial.rebalance.delay.ms": 0,
        "message.max.bytes": _LARGEST_BATCH_BYTES,
        "replica.fetch.max.bytes": _LARGEST_BATCH_BYTES,
        # The default takes 128 MB of heap at once.
        "log.cleaner.dedupe.buffer.size": 16 << 20,
    }
    if len(nodes) > 1:
        # Another broker leads before a producer of ours gives up, 8 s; the default is 9.
        settings |= {"broker.session.timeout.ms": 6000, "broker.heartbeat.interval.ms": 1000}
    return "".join(f"{name}={_escaped(value)}\n" for name, value in settings.items())


def _escaped(value: object) -> str:
    """Spell a value as Java's properties have it: read as Latin-1, anything else as the code of each UTF-16 unit."""
    escaped = str(value).replace("\\", "\\\\")
    return "".join(character if character.isascii() else _java_escapes(character) for character in escaped)


def _java_escapes(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[begin : begin + 4]}" for begin in range(0, len(units), 4))

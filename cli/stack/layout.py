from collections.abc import Callable
from dataclasses import dataclass

from cli.stack.data_dir import DataDir
from cli.stack.kafka_config import Node
from cli.stack.options import StackOptions
from cli.stack.ports import Ports

_KAFKA_PORT = 9092
_REDIS_PORT = 6379


@dataclass(frozen=True, slots=True)
class Layout:
    """The port of everything. `model` is one even where the model is not ours."""

    nodes: tuple[Node, ...]
    redis: int
    model: int
    api: int
    api_operations: int
    worker_operations: tuple[int, ...]


def claim_layout(options: StackOptions, data_dir: DataDir, ports: Ports, say: Callable[[str], None]) -> Layout:
    """Claim a port for everything; one that is taken is replaced, and `say` hears of it. Raises StackError."""

    def claim(name: str, wanted: int) -> int:
        port = ports.prefer(wanted)
        if port != wanted:
            say(f"{name}: port {wanted} is taken, using {port}")
        return port

    return Layout(
        nodes=tuple(
            Node(number, claim("Kafka", _KAFKA_PORT + number - 1), ports.free(), data_dir.kafka / str(number))
            for number in range(1, options.brokers + 1)
        ),
        redis=claim("Redis", _REDIS_PORT),
        model=ports.free(),
        api=claim("API", options.port),
        api_operations=ports.free(),
        worker_operations=tuple(ports.free() for _ in range(options.workers)),
    )

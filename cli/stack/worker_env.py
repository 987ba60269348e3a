"""`worker.env` in the data dir: what one more worker beside the stack needs, for a shell to source."""

from collections.abc import Mapping
from pathlib import Path

from cli.stack.whole_file import write_whole

# Of the services' environment; a key is not among them: it stays in its owner's.
_FROM_SERVICES = (
    "PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS",
    "PROMPTMILL_KAFKA__REPLICATION_FACTOR",
    "PROMPTMILL_KAFKA__MIN_INSYNC_REPLICAS",
    "PROMPTMILL_KAFKA__TASK_PARTITIONS",
    "PROMPTMILL_KAFKA__TOPIC_PREFIX",
    "PROMPTMILL_REDIS__URL",
    "PROMPTMILL_REDIS__KEY_PREFIX",
    "PROMPTMILL_LLM__BASE_URL",
    "PROMPTMILL_LLM__MODEL",
)


class WorkerEnvFile:
    """The file beside `stack.json`, there as long as the stack is ready."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "worker.env"

    def write(self, services: Mapping[str, str], concurrency: int) -> None:
        """Replace the file by what of the services' environment a further worker needs."""
        write_whole(self.path, worker_env(services, concurrency))

    def remove(self) -> None:
        """Remove the file: nothing is there to work for."""
        self.path.unlink(missing_ok=True)


def worker_env(services: Mapping[str, str], concurrency: int) -> str:
    """Return a `NAME='value'` line for each variable of a further worker."""
    variables = {name: services[name] for name in _FROM_SERVICES if name in services} | {
        "PROMPTMILL_WORKER__CONCURRENCY": str(concurrency),
        "PROMPTMILL_WORKER__OPERATIONS_PORT": "0",
    }
    return "".join(f"{name}={_quoted(value)}\n" for name, value in variables.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.stack.child import Child
from cli.stack.probes import http_ok

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What both services are told about the rest of the stack; `llm_model` and `llm_key` None leave theirs alone."""

    kafka: str
    replication_factor: int
    min_insync_replicas: int
    redis: str
    llm: str
    llm_model: str | None
    llm_key: str | None


def service_environment(environ: Mapping[str, str], surroundings: Surroundings) -> dict[str, str]:
    """Return the environment that both services get: the caller's, with this stack's addresses in it."""
    environment = {
        **environ,
        # So that a log's last lines are there when a service was killed.
        "PYTHONUNBUFFERED": "1",
        "PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS": surroundings.kafka,
        "PROMPTMILL_KAFKA__REPLICATION_FACTOR": str(surroundings.replication_factor),
        "PROMPTMILL_KAFKA__MIN_INSYNC_REPLICAS": str(surroundings.min_insync_replicas),
        "PROMPTMILL_REDIS__URL": surroundings.redis,
        "PROMPTMILL_LLM__BASE_URL": surroundings.llm,
    }
    if surroundings.llm_model is not None:
        environment["PROMPTMILL_LLM__MODEL"] = surroundings.llm_model
    if surroundings.llm_key is not None:
        environment["PROMPTMILL_LLM__API_KEY"] = surroundings.llm_key
    return environment


@dataclass(frozen=True, slots=True)
class ServiceChildren:
    """The services as children: `environment` is what they share, their logs go to `logs`."""

    environment: Mapping[str, str]
    logs: Path

    def api(self, *, host: str, port: int, operations_port: int, stop_seconds: float) -> Child:
        """Return the API, to be launched; `stop_seconds` is longer than its drain may take."""
        own = {
            "PROMPTMILL_API__HOST": host,
            "PROMPTMILL_API__PORT": str(port),
            "PROMPTMILL_API__OPERATIONS_HOST": LOOPBACK,
            "PROMPTMILL_API__OPERATIONS_PORT": str(operations_port),
        }
        return self._child("api", "producer_api", own, operations_port, stop_seconds)

    def worker(self, number: int, *, concurrency: int, operations_port: int, stop_seconds: float) -> Child:
        """Return a worker, to be launched; `stop_seconds` is longer than its drain may take."""
        own = {
            "PROMPTMILL_WORKER__CONCURRENCY": str(concurrency),
            "PROMPTMILL_WORKER__OPERATIONS_HOST": LOOPBACK,
            "PROMPTMILL_WORKER__OPERATIONS_PORT": str(operations_port),
        }
        return self._child(f"worker-{number}", "consumer", own, operations_port, stop_seconds)

    def _child(
        self, name: str, module: str, own: Mapping[str, str], operations_port: int, stop_seconds: float
    ) -> Child:
        async def ready() -> bool:
            return await http_ok(operations_port, "/readyz")

        return Child(
            name=name,
            # -P: a folder called `common` where the command is given must not shadow ours.
            argv=(sys.executable, "-P", "-m", module),
            log=self.logs / f"{name}.log",
            ready=ready,
            env={**self.environment, **own},
            stop_seconds=stop_seconds,
        )

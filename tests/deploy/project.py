"""A Compose project of a test's own: its network, its ports, and a fake model beside it."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from cli.stack.ports import Ports
from tests.deploy.compose import Compose, image
from tests.support.docker import ROOT, CommandLine
from tests.support.fake_model import FakeModel
from tests.support.waiting import until

CONCURRENCY = 4
_MODEL_NAME = "model-under-test"
_MODEL_PORT = 8080
MODEL_URL = f"http://{_MODEL_NAME}:{_MODEL_PORT}/v1"


@dataclass(frozen=True, slots=True)
class Project:
    """A project that is not started yet; ``api_url``, ``kafka`` and so on are where this machine will reach them."""

    compose: Compose
    network: str
    api_url: str
    kafka: str
    prometheus_url: str


@asynccontextmanager
async def own_project(
    docker: CommandLine, ports: Ports, folder: Path, more: Mapping[str, str] | None = None
) -> AsyncIterator[Project]:
    """Yield a project, nothing of it started; nothing of it is left afterwards.

    Args:
        docker: What Docker is spoken to with.
        ports: Where free ports come from.
        folder: Takes its file of variables.
        more: Variables beside the usual ones.
    """
    network = f"promptmill-test-{uuid.uuid4().hex[:8]}"
    api, kafka, prometheus = ports.free(), ports.free(), ports.free()
    variables = {
        "TEST_NETWORK": network,
        "PROMPTMILL_PORT": str(api),
        "KAFKA_PORT": str(kafka),
        "PROMETHEUS_PORT": str(prometheus),
        "PROMPTMILL_LLM__BASE_URL": MODEL_URL,
        "PROMPTMILL_LLM__MODEL": "fake-model",
        "PROMPTMILL_WORKER__CONCURRENCY": str(CONCURRENCY),
        **(more or {}),
    }
    # Not the project's own, so that `down` leaves it, and the model in it, alone.
    await docker.run("docker", "network", "create", network)
    try:
        compose = Compose(network, variables, folder)
        try:
            urls = f"http://127.0.0.1:{api}", f"127.0.0.1:{kafka}", f"http://127.0.0.1:{prometheus}"
            yield Project(compose, network, *urls)
        finally:
            await compose.remove()
    finally:
        await docker.run("docker", "network", "rm", network)


@asynccontextmanager
async def model_beside(
    network: str, docker: CommandLine, ports: Ports, session: aiohttp.ClientSession
) -> AsyncIterator[FakeModel]:
    """Run a fake model in a container in a network, where it is at `MODEL_URL`, and yield its handle."""
    port, name = ports.free(), f"{network}-model"
    try:
        await docker.run(
            *("docker", "run", "--detach", "--name", name, "--user", "0:0", "--no-healthcheck"),
            *("--network", network, "--network-alias", _MODEL_NAME),
            *("--publish", f"127.0.0.1:{port}:{_MODEL_PORT}", "--volume", f"{ROOT / 'tests'}:/srv/tests:ro"),
            *("--env", "PYTHONPATH=/srv", "--entrypoint", "python", image("consumer"), "-P"),
            *("-m", "tests.support.fake_model", "--host", "0.0.0.0", "--port", str(_MODEL_PORT)),  # noqa: S104 - in its own network
        )
        model = FakeModel(f"http://127.0.0.1:{port}", session)
        await until(model.stats, what="the fake model", ignoring=(aiohttp.ClientError,))
        yield model
    finally:
        await docker.run("docker", "rm", "--force", name)

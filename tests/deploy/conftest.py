import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from cli.stack.ports import Ports
from common.settings import KafkaSettings
from tests.deploy.compose import Compose, image
from tests.support.api import Api
from tests.support.docker import ROOT, CommandLine
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.servers import free_ports
from tests.support.waiting import until

CONCURRENCY = 4
_MODEL_NAME = "model-under-test"
_MODEL_PORT = 8080
# The first of them builds the images, from nothing if need be.
_TIMEOUT_SECONDS = 1800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("docker") is not None:
            item.add_marker(pytest.mark.timeout(_TIMEOUT_SECONDS))


@pytest.fixture(scope="package")
async def ports() -> AsyncIterator[Ports]:
    async with free_ports() as ports:
        yield ports


@pytest.fixture(scope="package")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(scope="package")
def docker() -> CommandLine:
    return CommandLine()


@pytest.fixture(scope="package")
async def network(docker: CommandLine) -> AsyncIterator[str]:
    """A network of these tests' own, which `down` leaves alone."""
    name = f"promptmill-test-{uuid.uuid4().hex[:8]}"
    await docker.run("docker", "network", "create", name)
    yield name
    await docker.run("docker", "network", "rm", name)


@dataclass(frozen=True, slots=True)
class Published:
    """Ports of this machine that lead to the API and to Kafka."""

    api: int
    kafka: int


@pytest.fixture(scope="package")
def published(ports: Ports) -> Published:
    return Published(ports.free(), ports.free())


@pytest.fixture(scope="package")
async def compose(
    network: str, published: Published, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Compose]:
    """The project with its images built; nothing runs yet, and nothing is left afterwards."""
    variables = {
        "TEST_NETWORK": network,
        "PROMPTMILL_PORT": str(published.api),
        "KAFKA_PORT": str(published.kafka),
        "PROMPTMILL_LLM__BASE_URL": f"http://{_MODEL_NAME}:{_MODEL_PORT}/v1",
        "PROMPTMILL_LLM__MODEL": "fake-model",
        "PROMPTMILL_WORKER__CONCURRENCY": str(CONCURRENCY),
    }
    compose = Compose(network, variables, tmp_path_factory.mktemp("compose"))
    await compose.build("topics", "api", "consumer", "cli")
    yield compose
    await compose.down("--volumes", "--remove-orphans", "--timeout", "5")


@pytest.fixture(scope="package")
async def kept_model(
    docker: CommandLine,
    network: str,
    ports: Ports,
    session: aiohttp.ClientSession,
    compose: Compose,  # noqa: ARG001 - has built the image
) -> AsyncIterator[FakeModel]:
    """A fake model in a container beside the project, so that `down` does not end it."""
    port, name = ports.free(), f"{network}-model"
    await docker.run(
        *("docker", "run", "--detach", "--name", name, "--user", "0:0"),
        *("--network", network, "--network-alias", _MODEL_NAME, "--publish", f"127.0.0.1:{port}:{_MODEL_PORT}"),
        *("--volume", f"{ROOT / 'tests'}:/srv/tests:ro", "--env", "PYTHONPATH=/srv", "--entrypoint", "python"),
        *(image("consumer"), "-P", "-m", "tests.support.fake_model", "--host", "0.0.0.0", "--port", str(_MODEL_PORT)),  # noqa: S104 - in its own network
    )
    model = FakeModel(f"http://127.0.0.1:{port}", session)
    await until(model.stats, what="the fake model", ignoring=(aiohttp.ClientError,))
    yield model
    await docker.run("docker", "rm", "--force", name)


@pytest.fixture
async def model(kept_model: FakeModel) -> AsyncIterator[FakeModel]:
    """The fake model: it answers at once and remembers no calls; whatever a test leaves in it is let go."""
    await kept_model.behave()
    await kept_model.forget_calls()
    yield kept_model
    await kept_model.release_all()


@pytest.fixture
def api(published: Published, session: aiohttp.ClientSession) -> Api:
    return Api(f"http://127.0.0.1:{published.api}", session)


@pytest.fixture
def kafka(published: Published) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=f"127.0.0.1:{published.kafka}", replication_factor=1, min_insync_replicas=1)


@pytest.fixture
async def view(kafka: KafkaSettings, compose: Compose, model: FakeModel) -> AsyncIterator[KafkaView]:  # noqa: ARG001 - it is up with the rest
    """Brings the project up and looks into its Kafka."""
    await compose.up()
    async with looking_into_kafka(kafka) as view:
        yield view

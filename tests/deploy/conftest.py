from collections.abc import AsyncIterator

import aiohttp
import pytest

from cli.stack.ports import Ports
from common.settings import KafkaSettings
from tests.deploy.compose import Compose
from tests.deploy.project import Project, model_beside, own_project
from tests.support.api import Api
from tests.support.docker import CommandLine
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.servers import free_ports

# Services of the Compose file, one of each image.
BUILT = ("topics", "api", "consumer")
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
async def images(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Build our images, as Compose does."""
    variables = {"TEST_NETWORK": "none"}
    await Compose("promptmill-test", variables, tmp_path_factory.mktemp("images")).build(*BUILT)


@pytest.fixture(scope="package")
async def project(
    docker: CommandLine,
    images: None,  # noqa: ARG001 - they are built first
    ports: Ports,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Project]:
    """The project that most tests share; each starts of it what it needs."""
    async with own_project(docker, ports, tmp_path_factory.mktemp("compose")) as project:
        yield project


@pytest.fixture(scope="package")
def compose(project: Project) -> Compose:
    return project.compose


@pytest.fixture(scope="package")
async def kept_model(
    project: Project, docker: CommandLine, ports: Ports, session: aiohttp.ClientSession
) -> AsyncIterator[FakeModel]:
    async with model_beside(project.network, docker, ports, session) as model:
        yield model


@pytest.fixture
async def model(kept_model: FakeModel) -> AsyncIterator[FakeModel]:
    """The fake model: it answers at once and remembers no calls; whatever a test leaves in it is let go."""
    await kept_model.behave()
    await kept_model.forget_calls()
    yield kept_model
    await kept_model.release_all()


@pytest.fixture
def api(project: Project, session: aiohttp.ClientSession) -> Api:
    return Api(project.api_url, session)


@pytest.fixture
def kafka(project: Project) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=project.kafka, replication_factor=1, min_insync_replicas=1)


@pytest.fixture
async def view(kafka: KafkaSettings, compose: Compose, model: FakeModel) -> AsyncIterator[KafkaView]:  # noqa: ARG001 - it is up with the rest
    """Brings the project up and looks into its Kafka."""
    await compose.up()
    async with looking_into_kafka(kafka) as view:
        yield view

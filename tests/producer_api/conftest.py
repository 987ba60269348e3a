"""One API process on the shared Kafka and Valkey, for every test that does it no harm."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from cli.stack.ports import Ports
from common.settings import KafkaSettings, RedisSettings
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.marker import Marker
from tests.support.api import Api
from tests.support.backend import kafka_settings_for, redis_settings_for, topics_deleted_afterwards, unique_prefix
from tests.support.deployment import Deployment
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.processes import LiveProcess, running_processes
from tests.support.redis_client import Redis, create_redis
from tests.support.servers import free_ports

MAX_PROMPTS = 1_000
MAX_IDS = 100
MAX_PROMPT_BYTES = 20_000
MAX_REQUEST_BYTES = 1_000_000
BODY_TIMEOUT_SECONDS = 1.0
DEADLINE_SECONDS = 7_200.0
RESULT_TTL_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Service:
    """The API under test, and what it runs on."""

    api: Api
    process: LiveProcess
    kafka: KafkaSettings
    redis: RedisSettings
    operations_url: str


@pytest.fixture(scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def ports() -> AsyncIterator[Ports]:
    async with free_ports() as ports:
        yield ports


@pytest.fixture(scope="session")
async def service(
    kafka_bootstrap: str,
    redis_url: str,
    session: aiohttp.ClientSession,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Service]:
    """The API with small limits, so that they are easily passed, and with everything it ever says in its log."""
    folder = tmp_path_factory.mktemp("producer-api")
    redis = redis_settings_for(redis_url, unique_prefix())
    async with (
        topics_deleted_afterwards(kafka_settings_for(kafka_bootstrap, unique_prefix())) as kafka,
        free_ports() as ports,
        running_processes() as processes,
    ):
        deployment = Deployment(
            processes=processes,
            ports=ports,
            session=session,
            kafka=kafka,
            redis=redis,
            model_url="http://127.0.0.1:9/v1",
            folder=folder,
        )
        api = await deployment.start_api(
            api__max_prompts_per_request=MAX_PROMPTS,
            api__max_ids_per_query=MAX_IDS,
            api__max_prompt_bytes=MAX_PROMPT_BYTES,
            api__max_request_bytes=MAX_REQUEST_BYTES,
            api__body_timeout_seconds=BODY_TIMEOUT_SECONDS,
            tasks__deadline_seconds=DEADLINE_SECONDS,
            tasks__result_ttl_seconds=RESULT_TTL_SECONDS,
            log__level="debug",
        )
        [process] = deployment.apis
        operations_port = deployment._operations_ports[process.name]
        yield Service(api, process, kafka, redis, f"http://127.0.0.1:{operations_port}")


@pytest.fixture(scope="module")
async def whole_store(service: Service) -> Service:
    """Return the service, its store whole. No worker runs here to say it: what the store does not know does not exist.

    For each file anew: those of other services, which may come between, empty the store.
    """
    redis = create_redis(service.redis, "test")
    marker = Marker(redis.link, Keys(service.redis.key_prefix))
    await marker.set((await marker.identity()).run_id)
    await redis.aclose()
    return service


@pytest.fixture
def api(whole_store: Service) -> Api:
    return whole_store.api


@pytest.fixture
async def kafka_view(service: Service) -> AsyncIterator[KafkaView]:
    async with looking_into_kafka(service.kafka) as view:
        yield view


@pytest.fixture
async def redis(whole_store: Service) -> AsyncIterator[Redis]:
    redis = create_redis(whole_store.redis, "test")
    yield redis
    await redis.aclose()


@pytest.fixture
def keys(service: Service) -> Keys:
    return Keys(service.redis.key_prefix)


@pytest.fixture
def leases(redis: Redis, keys: Keys) -> Leases:
    """What a worker does to the API's tasks."""
    return Leases(
        redis.link, keys, worker="w-1", lease_seconds=30, result_ttl_seconds=RESULT_TTL_SECONDS, max_crashes=10
    )

"""Services on a Kafka and a Valkey that speak TLS by a private authority, and ask for a certificate."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from cli.stack.ports import Ports
from common.connections import create_admin, create_redis_link, create_redis_listener
from common.settings import KafkaSettings, RedisSettings
from common.store.link import StoreUnavailable
from tests.e2e.conftest import Deploy
from tests.support.certificates import CERTIFICATE, ENCRYPTED_KEY, KEY_PASSWORD
from tests.support.encryption import encrypted, own_encrypted_kafka
from tests.support.fake_model import FakeModel
from tests.support.processes import Processes

FILES = {
    "ssl_cafile": str(CERTIFICATE),
    "ssl_certfile": str(CERTIFICATE),
    "ssl_keyfile": str(ENCRYPTED_KEY),
    "ssl_key_password": KEY_PASSWORD,
}
WITHOUT_OUR_CERTIFICATE = {"ssl_cafile": str(CERTIFICATE)}


@pytest.fixture
async def encrypted_redis(redis_settings: RedisSettings) -> AsyncIterator[RedisSettings]:
    async with encrypted(redis_settings.url.get_secret_value()) as url:
        yield RedisSettings.model_validate({"url": url, "key_prefix": redis_settings.key_prefix, **FILES})


@pytest.fixture
async def encrypted_kafka(processes: Processes, ports: Ports, tmp_path: Path) -> KafkaSettings:
    settings = {"replication_factor": 1, "min_insync_replicas": 1, "task_partitions": 6, "security_protocol": "SSL"}
    address = await own_encrypted_kafka(processes, ports, tmp_path)
    return KafkaSettings.model_validate({"bootstrap_servers": address, **settings, **FILES})


async def test_prompts_are_answered_where_kafka_and_redis_ask_for_a_certificate(
    deploy: Deploy, encrypted_kafka: KafkaSettings, encrypted_redis: RedisSettings, fake_model: FakeModel
) -> None:
    told = {f"{group}__{name}": value for group in ("kafka", "redis") for name, value in FILES.items()}
    deployment = deploy(encrypted_kafka, encrypted_redis, fake_model)
    api = await deployment.start_api(kafka__security_protocol="SSL", **told)
    await deployment.start_worker(concurrency=2, kafka__security_protocol="SSL", **told)
    await api.wait_until_completed(await api.submit([f"prompt {number}" for number in range(4)]))

    # Whoever has no certificate, or does not know the authority, gets nowhere.
    for files in (WITHOUT_OUR_CERTIFICATE, {}):
        address = encrypted_kafka.bootstrap_servers
        stranger = {"bootstrap_servers": address, "security_protocol": "SSL", **files}
        admin = create_admin(KafkaSettings.model_validate(stranger), "stranger")
        with pytest.raises(KafkaConnectionError):
            await admin.start()
        await admin.close()


@pytest.mark.parametrize("files", [WITHOUT_OUR_CERTIFICATE, {}], ids=["no certificate", "an unknown authority"])
async def test_redis_that_asks_for_a_certificate_takes_nobody_without(
    encrypted_redis: RedisSettings, files: dict[str, str]
) -> None:
    url = encrypted_redis.url.get_secret_value()
    link = create_redis_link(RedisSettings.model_validate({"url": url, **files}), "stranger")
    with pytest.raises(StoreUnavailable):
        await link.execute("PING")
    await link.aclose()


async def test_a_subscription_shows_the_certificate_too(encrypted_redis: RedisSettings) -> None:
    listener = create_redis_listener(encrypted_redis, "listener")
    assert await listener.ping()
    await listener.aclose()

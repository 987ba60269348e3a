"""Real Kafka and Valkey for tests: which, where, and a corner of them for each test."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import StrEnum
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from cli.stack.kafka import running_kafka
from cli.stack.valkey import running_valkey
from common.connections import create_admin
from common.settings import KafkaSettings, RedisSettings

BACKEND_VARIABLE = "PROMPTMILL_TEST_BACKEND"
_PARTITIONS = 6


class Backend(StrEnum):
    """Where the Kafka and the Valkey that tests share run."""

    LOCAL = "local"
    DOCKER = "docker"

    @property
    def described(self) -> str:
        """What a run says of it."""
        return f"{self} (Apache Kafka and Valkey as {'containers' if self is Backend.DOCKER else 'processes'})"


def chosen_backend(environ: Mapping[str, str]) -> Backend:
    """Return the backend that tests run on.

    Raises:
        ValueError: It is none that exists; the text names those that do.
    """
    choice = environ.get(BACKEND_VARIABLE, Backend.LOCAL)
    try:
        return Backend(choice)
    except ValueError:
        raise ValueError(f"{BACKEND_VARIABLE}={choice}: choose {' or '.join(Backend)}") from None


def shared_kafka(backend: Backend, folder: Path) -> AbstractAsyncContextManager[str]:
    """Run a Kafka on a free port; yields its bootstrap servers.

    Args:
        backend: How it is run.
        folder: Takes the data and log of one that is a process.
    """
    if backend is Backend.LOCAL:
        return running_kafka(folder)
    # Docker's client takes long to import, for each process of tests.
    from tests.support.containers import kafka_in_a_container  # noqa: PLC0415 - see above

    return kafka_in_a_container()


def shared_valkey(backend: Backend, folder: Path) -> AbstractAsyncContextManager[str]:
    """Run a Valkey on a free port, as `shared_kafka` runs Kafka; yields its URL."""
    if backend is Backend.LOCAL:
        return running_valkey(folder)
    from tests.support.containers import valkey_in_a_container  # noqa: PLC0415 - as above

    return valkey_in_a_container()


def unique_prefix() -> str:
    """Return a prefix for topics or keys that no other test has."""
    return f"t{uuid.uuid4().hex[:8]}."


def kafka_settings_for(bootstrap: str, topic_prefix: str) -> KafkaSettings:
    """Return settings for one broker and few partitions, which makes topics fast to create."""
    return KafkaSettings(
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
        replication_factor=1,
        min_insync_replicas=1,
        task_partitions=_PARTITIONS,
    )


def redis_settings_for(url: str, key_prefix: str) -> RedisSettings:
    """Return settings for one test's keys."""
    return RedisSettings.model_validate({"url": url, "key_prefix": key_prefix})


@asynccontextmanager
async def topics_deleted_afterwards(settings: KafkaSettings) -> AsyncIterator[KafkaSettings]:
    """Delete every topic under the settings' prefix at the end: a broker with thousands of partitions is slow."""
    yield settings
    admin = create_admin(settings, "test-cleanup")
    await admin.start()
    try:
        await _delete_topics(admin, settings.topic_prefix)
    finally:
        await admin.close()


async def _delete_topics(admin: AIOKafkaAdminClient, prefix: str) -> None:
    names = [name for name in await admin.list_topics() if name.startswith(prefix)]
    if names:
        await admin.delete_topics(names)

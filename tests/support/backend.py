"""Real Kafka and Valkey for tests: which, where, and a corner of them for each test."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient

from common.connections import create_admin
from common.settings import KafkaSettings, RedisSettings

BACKEND_VARIABLE = "PROMPTMILL_TEST_BACKEND"
_PARTITIONS = 6


def chosen_backend(environ: Mapping[str, str]) -> str:
    """Return the backend that tests run on.

    Raises:
        ValueError: It is none that exists; the text names those that do.
    """
    backend = environ.get(BACKEND_VARIABLE, "local")
    if backend != "local":
        raise ValueError(
            f"{BACKEND_VARIABLE}={backend}: there is no such backend. "
            "local, the default, runs real Apache Kafka and Valkey as processes of the tests; docker is yet to come"
        )
    return backend


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

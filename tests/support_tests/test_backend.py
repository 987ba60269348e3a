import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from common.connections import create_admin
from common.settings import KafkaSettings, RedisSettings
from tests.support.backend import (
    BACKEND_VARIABLE,
    Backend,
    chosen_backend,
    kafka_settings_for,
    topics_deleted_afterwards,
    unique_prefix,
)
from tests.support.redis_client import create_redis
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("environ", "backend"),
    [({}, Backend.LOCAL), ({BACKEND_VARIABLE: "local"}, Backend.LOCAL), ({BACKEND_VARIABLE: "docker"}, Backend.DOCKER)],
)
def test_the_local_backend_is_the_default(environ: dict[str, str], backend: Backend) -> None:
    assert chosen_backend(environ) is backend


def test_a_backend_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="PROMPTMILL_TEST_BACKEND=podman: choose local or docker"):
        chosen_backend({"PROMPTMILL_TEST_BACKEND": "podman"})


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("podman", "PROMPTMILL_TEST_BACKEND=podman: choose local or docker"),
        ("docker", "PROMPTMILL_TEST_BACKEND=docker, and there is no docker command"),
    ],
)
def test_a_run_on_a_backend_that_cannot_be_had_ends_before_any_test(tmp_path: Path, backend: str, said: str) -> None:
    run = collecting({"PROMPTMILL_TEST_BACKEND": backend, "PATH": str(tmp_path)})
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert said in run.stderr


def test_a_run_says_which_backend_it_is_on(tmp_path: Path) -> None:
    assert "backend: local (Apache Kafka and Valkey as processes)" in collecting({"PATH": str(tmp_path)}).stdout


def collecting(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Collect this file's tests in a process with these variables."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", str(Path(__file__))],
        env={"PYTHONPATH": os.environ.get("PYTHONPATH", ""), **environ},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


async def test_each_test_has_topics_of_its_own_and_leaves_none(kafka_bootstrap: str) -> None:
    settings = kafka_settings_for(kafka_bootstrap, unique_prefix())
    topic = f"{settings.topic_prefix}anything"
    admin = create_admin(settings, "test")
    await admin.start()
    try:
        async with topics_deleted_afterwards(settings):
            await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
            await until(lambda: _exists(admin, topic), what="the topic")
        await until(lambda: _is_gone(admin, topic), what="the topic's end")
    finally:
        await admin.close()


async def test_the_shared_kafka_and_valkey_are_real(
    kafka_settings: KafkaSettings, redis_settings: RedisSettings
) -> None:
    admin = create_admin(kafka_settings, "test")
    await admin.start()
    redis = create_redis(redis_settings, "test")
    try:
        assert len((await admin.describe_cluster())["brokers"]) == 1
        assert (await redis.info("server"))["server_name"] == "valkey"
    finally:
        await redis.aclose()
        await admin.close()


async def _exists(admin: AIOKafkaAdminClient, topic: str) -> bool:
    return topic in await admin.list_topics()


async def _is_gone(admin: AIOKafkaAdminClient, topic: str) -> bool:
    return not await _exists(admin, topic)

from collections.abc import AsyncIterator

import pytest

from common.settings import KafkaSettings
from tests.consumer.engine.harness import Cluster, cluster_on


@pytest.fixture
async def cluster(kafka_settings: KafkaSettings) -> AsyncIterator[Cluster]:
    """This test's topics, engines and clients on the shared Kafka."""
    async with cluster_on(kafka_settings) as cluster:
        yield cluster

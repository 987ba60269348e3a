"""Reaching Kafka for the first time: it may come up later than we do."""

import asyncio
import random

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from common.connections import create_admin
from common.settings import KafkaSettings, TaskSettings
from common.topics import ensure_topics, topic_specs
from consumer.engine.backoff import Backoff

_BACKOFF = Backoff(first_seconds=0.5, cap_seconds=10.0)
_ATTEMPT_SECONDS = 60.0


class StartError(RuntimeError):
    """The worker cannot start, and waiting would not mend it; the text says what would."""


async def prepare_kafka(
    kafka: KafkaSettings, tasks: TaskSettings, producer: AIOKafkaProducer, *, client_id: str, rng: random.Random
) -> None:
    """Make and check the topics and start the producer; while Kafka is out of reach, try again.

    Raises:
        TopicsUnfit: the topics are not as the contract has them: waiting does not mend that.
    """
    log, failures = structlog.get_logger(__name__), 0
    while True:
        try:
            async with asyncio.timeout(_ATTEMPT_SECONDS):
                await _ensure_topics(kafka, tasks, client_id)
                await producer.start()
        except (KafkaError, TimeoutError) as error:
            failures += 1
            log.warning("Kafka is out of reach", error=type(error).__name__, failures=failures)
            await asyncio.sleep(_BACKOFF.delay_seconds(failures, rng))
        else:
            return


async def _ensure_topics(kafka: KafkaSettings, tasks: TaskSettings, client_id: str) -> None:
    admin = create_admin(kafka, client_id)
    try:
        await admin.start()
        await ensure_topics(admin, topic_specs(kafka, tasks))
    finally:
        await admin.close()

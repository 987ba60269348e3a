"""Reaching Kafka for the first time: it may come up later than we do, and its topics may have to be altered first."""

import asyncio
import random
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from common.connections import create_admin
from common.settings import KafkaSettings, TaskSettings
from common.topics import TopicsUnfit, ensure_topics, topic_specs
from consumer.engine.backoff import Backoff

_BACKOFF = Backoff(first_seconds=0.5, cap_seconds=10.0)
_ATTEMPT_SECONDS = 60.0


class StartError(RuntimeError):
    """The worker cannot start, and waiting would not mend it.

    The text names addresses and settings alone; `mend` says what to do.
    """

    def __init__(self, reason: str, *, mend: str) -> None:
        super().__init__(f"{reason}: {mend}")
        self.reason, self.mend = reason, mend


async def prepare_kafka(
    kafka: KafkaSettings,
    tasks: TaskSettings,
    producer: AIOKafkaProducer,
    *,
    client_id: str,
    rng: random.Random,
    hindered_by: Callable[[str], None],
) -> None:
    """Make and check the topics and start the producer; try again while Kafka is out of reach or its topics are unfit.

    `hindered_by` is told each time which of the two it is.
    """
    log, failures, said = structlog.get_logger(__name__), 0, ""
    while True:
        try:
            async with asyncio.timeout(_ATTEMPT_SECONDS):
                await _ensure_topics(kafka, tasks, client_id)
                await producer.start()
        except TopicsUnfit as error:
            hindered_by("Kafka's topics are unfit")
            if str(error) != said:
                said = str(error)
                log.error("topics unfit", detail=said)  # noqa: TRY400 - an operator's matter, no fault in the code
            else:
                log.debug("topics still unfit", failures=failures)
        except (KafkaError, TimeoutError) as error:
            hindered_by("Kafka is out of reach")
            log.warning("Kafka is out of reach", error=type(error).__name__, failures=failures + 1)
        else:
            return
        failures += 1
        await asyncio.sleep(_BACKOFF.delay_seconds(failures, rng))


async def _ensure_topics(kafka: KafkaSettings, tasks: TaskSettings, client_id: str) -> None:
    admin = create_admin(kafka, client_id)
    try:
        await admin.start()
        await ensure_topics(admin, topic_specs(kafka, tasks))
    finally:
        await admin.close()

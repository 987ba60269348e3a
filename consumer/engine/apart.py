"""Records that no delivery caused: whoever wants them written asks again when they were not."""

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from consumer.engine.ports import OutgoingRecord


async def publish_apart(producer: AIOKafkaProducer, record: OutgoingRecord) -> bool:
    """Whether every in-sync replica has the record; where not, it may be written all the same."""
    try:
        await producer.send_and_wait(record.topic, key=record.key, value=record.value, headers=list(record.headers))
    except KafkaError as error:
        log = structlog.get_logger(__name__)
        log.warning("not published", topic=record.topic, error=type(error).__name__)
        return False
    return True

"""Looking into Kafka for one request: what hinders is an answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from producer_api.errors import SERVER_ERROR, RefusedRequest
from producer_api.kafka_link import KafkaUnavailable
from producer_api.operator.letter_log import LetterLog, LogBusy, OpenLog
from producer_api.operator.redrive import RedriveCutShort

_RETRY = {"retry-after": "2"}


@asynccontextmanager
async def refusing() -> AsyncIterator[None]:
    """Turn what keeps the body from Kafka into a 503.

    Raises:
        RefusedRequest: too many look, Kafka is out of reach, or it did not acknowledge all.
    """
    try:
        yield
    except LogBusy:
        message = "Others look into Kafka just now. Send the request again in a moment."
        raise RefusedRequest(503, message, code="overloaded", headers=_RETRY, kind=SERVER_ERROR) from None
    except RedriveCutShort:
        message = "Kafka did not acknowledge every record in time. Send the same request again: nothing starts twice."
        raise RefusedRequest(503, message, code="queue_unavailable", headers=_RETRY, kind=SERVER_ERROR) from None
    except KafkaUnavailable:
        message = "Kafka does not answer. Send the same request again in a moment: nothing starts twice."
        raise RefusedRequest(503, message, code="queue_unavailable", headers=_RETRY, kind=SERVER_ERROR) from None


@asynccontextmanager
async def opened(log: LetterLog) -> AsyncIterator[OpenLog]:
    """Kafka's log, for this request.

    Raises:
        RefusedRequest: as `refusing` has it.
    """
    async with refusing(), log.open() as open_log:
        yield open_log

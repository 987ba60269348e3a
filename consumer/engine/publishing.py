"""Outcomes on their way to Kafka: in order, acknowledged by every in-sync replica, bounded in bytes."""

import asyncio
import random
import time
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from consumer.engine.backoff import Backoff
from consumer.engine.dead_letters import dead_letter
from consumer.engine.ports import Delivery, OutgoingRecord, Settled
from consumer.metrics import EngineMetrics

# The fault of the record itself: it would be refused every time.
_REFUSALS = (MessageSizeTooLargeError, RecordListTooLargeError)
_BACKOFF = Backoff(first_seconds=0.2, cap_seconds=10.0)


class Publisher:
    """Publishes the records of an outcome. `now` is the monotonic clock that `publish_before` is told by."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        *,
        dead_letter_topic: str,
        max_pending_bytes: int,
        metrics: EngineMetrics,
        rng: random.Random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._producer = producer
        self._dead_letter_topic = dead_letter_topic
        self._max_pending_bytes = max_pending_bytes
        self._metrics = metrics
        self._rng = rng
        self._now = now
        self._pending_bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self._log = structlog.get_logger(__name__)

    @property
    def pending_bytes(self) -> int:
        """Bytes of records that are not acknowledged yet."""
        return self._pending_bytes

    async def room(self) -> None:
        """Wait until the outcomes not yet acknowledged are within their bound."""
        await self._room.wait()

    async def publish(self, delivery: Delivery, outcome: Settled) -> bool:
        """Publish the outcome's records one after the other; False when it came to forbid that on the way.

        A write that fails is tried again for as long as it takes. A record that is refused for its own fault is
        replaced by a dead letter that refers to the delivery.
        """
        size = sum(record.size_bytes for record in outcome.records)
        self._hold(size)
        try:
            for record in outcome.records:
                if not await self._publish_one(delivery, record, outcome):
                    return False
        finally:
            self._hold(-size)
        return True

    def _hold(self, size: int) -> None:
        self._pending_bytes += size
        if self._pending_bytes < self._max_pending_bytes:
            self._room.set()
        else:
            self._room.clear()

    async def _publish_one(self, delivery: Delivery, record: OutgoingRecord, outcome: Settled) -> bool:
        refusal = await self._send(record, outcome)
        if isinstance(refusal, Exception):
            substitute = dead_letter(
                delivery,
                topic=self._dead_letter_topic,
                reason="unpublishable",
                error_code=type(refusal).__name__,
                failed_at=time.time(),
                by_reference=True,
            )
            refusal = await self._send(substitute, outcome)
        # A reference that is refused as well was logged and counted: nothing smaller is left to write.
        return refusal is not False

    async def _send(self, record: OutgoingRecord, outcome: Settled) -> Exception | bool:
        """True when acknowledged, False when the outcome forbids it by now, or why the record itself is refused."""
        attempts = 0
        while self._now() < outcome.publish_before and outcome.publish_if():
            began = time.perf_counter()
            try:
                await self._producer.send_and_wait(
                    record.topic,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                    partition=record.partition,
                )
            except _REFUSALS as error:
                return self._refused(record, error)
            except KafkaError as error:
                attempts += 1
                self._metrics.publish_errors.labels(record.topic, "retried").inc()
                if attempts.bit_count() == 1:
                    # The first and every doubling: an outage shall not fill the log.
                    self._log.warning(
                        "publish failed", topic=record.topic, attempts=attempts, error=type(error).__name__
                    )
                await asyncio.sleep(_BACKOFF.delay_seconds(attempts, self._rng))
            except Exception as error:  # noqa: BLE001 - whatever the client makes of a record it cannot write
                return self._refused(record, error)
            else:
                self._metrics.kafka_seconds.labels("publish").observe(time.perf_counter() - began)
                self._metrics.published.labels(record.topic).inc()
                return True
        return False

    def _refused(self, record: OutgoingRecord, error: Exception) -> Exception:
        self._metrics.publish_errors.labels(record.topic, "refused").inc()
        self._log.error("record refused", topic=record.topic, size_bytes=record.size_bytes, error=type(error).__name__)
        return error

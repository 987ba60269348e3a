"""Keeps a producer connected: topics ensured, the connection watched, a lost one replaced."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from common.topics import TopicSpec, TopicsUnfit, ensure_topics

_PROBE_INTERVAL_SECONDS = 5.0
_FIRST_RETRY_SECONDS = 0.1
_LONGEST_RETRY_SECONDS = 1.0
_CONNECT_SECONDS = 30.0
_CLOSE_SECONDS = 5.0


class KafkaUnavailable(RuntimeError):  # noqa: N818 - names the state of Kafka
    """Records cannot be written now: try again later."""


class KafkaLink:
    """Owns the producer that is in use; `keep` runs for the life of the process.

    A link that is not up says why in `hindrance`. Batches of a producer that was replaced are still sent or failed
    by it, in the background, and their futures end.

    Args:
        create_producer: Makes a producer that is not started.
        create_admin: Makes an admin client that is not started.
        specs: The topics to create or check on every connection.
        topics: Those of them that records are written to.
        request_timeout_seconds: How long the producer waits for one answer of a broker.
    """

    def __init__(
        self,
        *,
        create_producer: Callable[[], AIOKafkaProducer],
        create_admin: Callable[[], AIOKafkaAdminClient],
        specs: Sequence[TopicSpec],
        topics: Sequence[str],
        request_timeout_seconds: float,
    ) -> None:
        self._create_producer = create_producer
        self._create_admin = create_admin
        self._specs = specs
        self._topics = topics
        self._request_timeout = request_timeout_seconds
        self._log = structlog.get_logger(__name__)
        self._producer: AIOKafkaProducer | None = None
        self._suspected = asyncio.Event()
        self._retired: set[asyncio.Task[None]] = set()
        self.hindrance: str | None = "Kafka is not connected yet"

    @property
    def producer(self) -> AIOKafkaProducer:
        """The producer to send with.

        Raises:
            KafkaUnavailable: nothing should be sent now.
        """
        if self._producer is None or self.hindrance is not None:
            raise KafkaUnavailable(self.hindrance)
        return self._producer

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has now.

        Raises:
            KafkaUnavailable: nothing should be sent now.
        """
        partitions = self.producer.client.cluster.partitions_for_topic(topic)
        if not partitions:
            raise KafkaUnavailable("Kafka has lost a topic")
        return len(partitions)

    async def partition_numbers(self, topic: str) -> set[int]:
        """The partitions of a topic, also of one that is not written to.

        Raises:
            KafkaUnavailable: nothing is connected now.
            KafkaError: the topic cannot be looked up.
        """
        found: set[int] = await self.producer.partitions_for(topic)
        return found

    def suspect(self, *, silent: bool) -> None:
        """A send was not acknowledged: look at the connection now.

        `silent` says that nothing at all was acknowledged meanwhile; then nothing is sent until a probe is answered.
        """
        if silent and self.hindrance is None:
            self._hindered_by("Kafka does not answer")
        self._suspected.set()

    async def keep(self) -> None:
        """Connect, watch, and connect again, until cancelled; then close what is open."""
        retry_seconds = _FIRST_RETRY_SECONDS
        try:
            while True:
                try:
                    async with self._connected() as producer:
                        retry_seconds = _FIRST_RETRY_SECONDS
                        self._hindered_by(await self._watch(producer))
                except TopicsUnfit as error:
                    self._hindered_by("Kafka's topics are unfit", detail=str(error))
                except (KafkaError, OSError, TimeoutError) as error:
                    self._hindered_by("Kafka is out of reach", detail=type(error).__name__)
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, _LONGEST_RETRY_SECONDS)
        finally:
            self.hindrance = "the API is stopping"
            if self._retired:
                _, late = await asyncio.wait(self._retired, timeout=_CLOSE_SECONDS)
                for closing in late:
                    closing.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = None
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._ensure_topics()
                producer = self._create_producer()
                await producer.start()
                for topic in self._topics:
                    await producer.partitions_for(topic)
            self._producer, self.hindrance = producer, None
            self._log.info("kafka connected")
            yield producer
        finally:
            self._producer = None
            if producer is not None:
                closing = asyncio.create_task(self._close(producer), name="close a replaced producer")
                self._retired.add(closing)
                closing.add_done_callback(self._retired.discard)

    async def _ensure_topics(self) -> None:
        admin = self._create_admin()
        try:
            await admin.start()
            await ensure_topics(admin, self._specs)
        finally:
            await admin.close()

    async def _watch(self, producer: AIOKafkaProducer) -> str:
        """Probe again and again; returns what went wrong."""
        sender: asyncio.Future[None] = producer._sender.sender_task  # noqa: SLF001 - it has no public name
        while True:
            suspected = asyncio.ensure_future(self._suspected.wait())
            try:
                await asyncio.wait(
                    (sender, suspected), timeout=_PROBE_INTERVAL_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                suspected.cancel()
            self._suspected.clear()
            if sender.done():
                return "Kafka's producer ended"
            # One broker that hangs costs one request's time before the next is asked.
            async with asyncio.timeout(self._request_timeout + 2):
                answered = await producer.client.force_metadata_update()
            if not answered:
                return "Kafka is out of reach"
            if any(producer.client.cluster.partitions_for_topic(topic) is None for topic in self._topics):
                return "Kafka has lost a topic"
            if self.hindrance is not None:
                self._log.info("kafka answers again")
                self.hindrance = None

    def _hindered_by(self, reason: str, detail: str | None = None) -> None:
        if reason != self.hindrance:
            self._log.error("kafka unavailable", reason=reason, detail=detail)
        self.hindrance = reason

    async def _close(self, producer: AIOKafkaProducer) -> None:
        """Let the producer end its batches: each is acknowledged or fails within a few request timeouts."""
        try:
            async with asyncio.timeout(4 * self._request_timeout):
                await producer.stop()
        except (KafkaError, OSError, TimeoutError, asyncio.CancelledError) as error:
            self._log.warning("producer closed by force", error=type(error).__name__)
            _fail_all(producer)
            await producer.client.close()
            if isinstance(error, asyncio.CancelledError):
                raise
        # A batch that waited for its turn may have come after the last was sent.
        _fail_all(producer)


def _fail_all(producer: AIOKafkaProducer) -> None:
    """Whoever still waits for an acknowledgement learns that there will be none."""
    producer._message_accumulator.fail_all(KafkaConnectionError())  # noqa: SLF001 - it has no public name

"""The topics as Kafka has them, for operators: one look for all who ask within a moment."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from aiokafka.admin import AIOKafkaAdminClient

from common.task import Lane
from common.topic_report import TopicReport, report_topics
from common.topics import TopicNames
from producer_api.kafka_link import KafkaUnavailable
from producer_api.operator.letter_log import LetterLog, LogBusy

# As often as anybody looks at a chart.
_FRESH_SECONDS = 2.0
# For somebody else's look, while Kafka is slow.
_QUEUE_SECONDS = 5.0
# A view of more than Kafka does not wait longer for it.
_BACKLOG_SECONDS = 3.0


class TopicLook:
    """Looks at the topics of ours.

    Args:
        log: Opens a reader for so many at once.
        create_admin: Makes an admin client that is not started.
        topics: Their names, in the order shown.
        names: Of the lanes and of the group.
        clock: Monotonic, in seconds.
    """

    def __init__(
        self,
        log: LetterLog,
        *,
        create_admin: Callable[[], AIOKafkaAdminClient],
        topics: Sequence[str],
        names: TopicNames,
        clock: Callable[[], float],
    ) -> None:
        self._log = log
        self._create_admin = create_admin
        self.topics = topics
        self._names = names
        self._clock = clock
        self._looking = asyncio.Lock()
        self._seen: Sequence[TopicReport | None] = ()
        self._seen_at: float | None = None

    async def reports(self) -> Sequence[TopicReport | None]:
        """Each topic, None for one that does not exist; not older than two seconds. Without the newest records.

        Raises:
            KafkaUnavailable: Kafka is out of reach.
            LogBusy: too many look into Kafka.
        """
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                await self._looking.acquire()
        except TimeoutError:
            raise LogBusy from None
        try:
            if self._seen_at is None or self._clock() - self._seen_at > _FRESH_SECONDS:
                self._seen = await self._look()
                self._seen_at = self._clock()
            return self._seen
        finally:
            self._looking.release()

    async def backlog(self) -> Mapping[str, int] | None:
        """Records of each lane that the workers have not finished; None where Kafka does not say so at once."""
        with suppress(TimeoutError, KafkaUnavailable, LogBusy):
            async with asyncio.timeout(_BACKLOG_SECONDS):
                found = {report.name: report for report in await self.reports() if report is not None}
                return {
                    lane.value: sum(lag.records for lag in found[topic].lags)
                    for lane in Lane
                    if (topic := self._names.tasks(lane)) in found
                }
        return None

    async def _look(self) -> Sequence[TopicReport | None]:
        groups = {self._names.llm_group: (self._names.interactive, self._names.batch)}
        async with self._log.open() as log:
            admin = self._create_admin()
            try:
                await admin.start()
                return await report_topics(admin, log.reader, self.topics, groups, with_newest=False)
            finally:
                await admin.close()

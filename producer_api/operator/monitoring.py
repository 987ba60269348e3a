"""What operators look at: workers, the last minutes, topics. Each in one reading that costs the same at any load."""

from collections.abc import Callable
from typing import Any

from common.store.minutes import Minutes
from common.store.workers import Workers
from common.topic_report import TopicReport
from producer_api.operator.overview import overview_view, worker_view
from producer_api.operator.topic_look import TopicLook

MINUTES_SHOWN = 60


class Monitoring:
    """Reads the views. `now` is in Unix seconds."""

    def __init__(self, *, workers: Workers, minutes: Minutes, topics: TopicLook, now: Callable[[], float]) -> None:
        self._workers = workers
        self._minutes = minutes
        self._topics = topics
        self._now = now

    async def overview(self, minutes: int = MINUTES_SHOWN) -> dict[str, Any]:
        """Workers, backlog and the last minutes in one look.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        sums = await self._minutes.read(now=self._now(), minutes=minutes)
        return overview_view(await self._workers.all(), sums, await self._topics.backlog())

    async def workers(self) -> dict[str, Any]:
        """The workers as each last said it is.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        return {"workers": [worker_view(seen) for seen in await self._workers.all()]}

    async def topics(self) -> dict[str, Any]:
        """The topics with partitions, offsets and lag.

        Raises:
            KafkaUnavailable: Kafka is out of reach.
            LogBusy: too many look into Kafka.
        """
        reports = await self._topics.reports()
        return {"topics": [_topic_view(*found) for found in zip(self._topics.topics, reports, strict=True)]}


def _topic_view(name: str, report: TopicReport | None) -> dict[str, Any]:
    if report is None:
        return {"topic": name, "exists": False}
    return {
        "topic": name,
        "exists": True,
        "replication": report.replication,
        "in_sync": report.in_sync,
        "records": report.records,
        "groups": [{"group": lag.group, "lag": lag.records, "members": lag.members} for lag in report.lags],
        "partitions": [
            {
                "partition": offsets.partition,
                "begin": offsets.begin,
                "end": offsets.end,
                "lag": {lag.group: lag.by_partition.get(offsets.partition, 0) for lag in report.lags},
            }
            for offsets in report.ranges
        ],
    }

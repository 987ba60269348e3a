"""Writes records to Kafka and says of each whether every in-sync replica has it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from common.task import Lane
from producer_api.budget import Share
from producer_api.flight import Flight, Turns
from producer_api.kafka_link import KafkaLink
from producer_api.outgoing import OutgoingRecord, Written
from producer_api.partitioning import PartitionCursor


class Publisher:
    """The only user of the producer.

    Args:
        link: Gives the producer, and is told of failures.
        topics: The topic of each lane.
        cursors: Where the next prompt of each lane goes.
        timeout_seconds: Longest wait for the acknowledgement of one request's records.
    """

    def __init__(
        self,
        *,
        link: KafkaLink,
        topics: Mapping[Lane, str],
        cursors: Mapping[Lane, PartitionCursor],
        timeout_seconds: float,
    ) -> None:
        self._link = link
        self._topics = topics
        self._cursors = cursors
        self._timeout = timeout_seconds
        self._turns = {lane: Turns() for lane in topics}
        self._acknowledged_at = float("-inf")

    def ensure_connected(self) -> None:
        """Return when records can be sent.

        Raises:
            KafkaUnavailable: they cannot.
        """
        _ = self._link.producer

    async def publish(self, lane: Lane, records: Sequence[OutgoingRecord], share: Share) -> Sequence[Written]:
        """Write all records and wait for their acknowledgement, within the timeout; outcomes are in order.

        Takes over `share`: it is released when Kafka's client holds none of the records any more, which can be after
        the return.

        Raises:
            KafkaUnavailable: nothing was written.
        """
        loop = asyncio.get_running_loop()
        begun_at = loop.time()
        try:
            producer, topic = self._link.producer, self._topics[lane]
            partitions = self._cursors[lane].take(len(records), partitions=self._link.partitions(topic))
        except BaseException:
            share.release()
            raise
        flight = Flight(producer, topic, records, share)
        try:
            # Those without an outcome when the time is over stay unwritten.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeout):
                    await flight.write(partitions, self._turns[lane])
        finally:
            flight.close()
        if flight.any_acknowledged:
            self._acknowledged_at = loop.time()
        if flight.is_in_doubt:
            self._link.suspect(silent=self._acknowledged_at < begun_at)
        return flight.outcomes

"""Writes records to Kafka and says of each whether every in-sync replica has it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from common.record import Headers
from common.task import Lane
from producer_api.budget import Share
from producer_api.kafka_link import KafkaLink
from producer_api.partitioning import PartitionCursor

# Between so many sends other requests have their turn.
_SENDS_PER_TURN = 256


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """One record, as bytes."""

    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Place:
    """Where an acknowledged record stands."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A record without acknowledgement. It may be in the log all the same, unless it was `too_large`."""

    too_large: bool = False


Written = Place | Unwritten


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
        self._acknowledged_at = float("-inf")

    def ensure_connected(self) -> None:
        """Return when records can be sent.

        Raises:
            KafkaUnavailable: they cannot.
        """
        _ = self._link.producer

    async def publish(self, lane: Lane, records: Sequence[OutgoingRecord], share: Share) -> list[Written]:
        """Write all records and wait for their acknowledgement, within the timeout; outcomes are in order.

        Takes over `share`: it is released when Kafka's client holds none of the records any more, which can be after
        the return.

        Raises:
            KafkaUnavailable: nothing was written.
        """
        loop = asyncio.get_running_loop()
        begun_at = loop.time()
        flight = _Flight(len(records), share)
        try:
            topic = self._topics[lane]
            partitions = self._cursors[lane].take(len(records), partitions=self._link.partitions(topic))
            # Those without an outcome when the time is over stay unwritten.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeout):
                    await flight.send(self._link.producer, topic, records, partitions)
                    await flight.landed
        finally:
            flight.close()
        outcomes = flight.outcomes
        if any(isinstance(outcome, Place) for outcome in outcomes):
            self._acknowledged_at = loop.time()
        if any(isinstance(outcome, Unwritten) and not outcome.too_large for outcome in outcomes):
            self._link.suspect(silent=self._acknowledged_at < begun_at)
        return outcomes


class _Flight:
    """The records of one request on their way."""

    def __init__(self, count: int, share: Share) -> None:
        self._share = share
        self._in_client = 0
        self._open = True
        self._unsettled = count
        self.outcomes: list[Written] = [Unwritten()] * count
        self.landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        records: Sequence[OutgoingRecord],
        partitions: Sequence[int],
    ) -> None:
        """Hand every record to the client."""
        for index, (record, partition) in enumerate(zip(records, partitions, strict=True)):
            try:
                future = await producer.send(
                    topic, record.value, key=record.key, partition=partition, headers=record.headers
                )
            except KafkaError as error:
                self._settle(index, _failed(error))
            else:
                self._in_client += 1
                future.add_done_callback(partial(self._settled_by_client, index))
            if index % _SENDS_PER_TURN == _SENDS_PER_TURN - 1:
                await asyncio.sleep(0)

    def close(self) -> None:
        """No more records are handed over, and outcomes that come later are not of interest."""
        self._open = False
        self._release_when_gone()

    def _settled_by_client(self, index: int, future: asyncio.Future[Any]) -> None:
        self._in_client -= 1
        error = KafkaError() if future.cancelled() else future.exception()
        if error is None:
            metadata = future.result()
            self._settle(index, Place(metadata.partition, metadata.offset))
        else:
            self._settle(index, _failed(error))
        self._release_when_gone()

    def _settle(self, index: int, outcome: Written) -> None:
        if not self._open:
            return
        self.outcomes[index] = outcome
        self._unsettled -= 1
        if self._unsettled == 0 and not self.landed.done():
            self.landed.set_result(None)

    def _release_when_gone(self) -> None:
        if not self._open and self._in_client == 0:
            self._share.release()


def _failed(error: BaseException) -> Unwritten:
    return Unwritten(too_large=isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError))

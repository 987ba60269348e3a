"""The records of one request on their way to Kafka.

A few records join those of other requests in the batches of the client. Bulk goes in batches of its own, one for each
run of neighbours: such a batch is acknowledged once for all its records, at less than half of the cost for each.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from producer_api.budget import Share
from producer_api.outgoing import OutgoingRecord, Place, Unwritten, Written
from producer_api.partitioning import Run, runs_of

# The client takes one whole batch for each partition and round trip, so smaller ones are better joined with others.
_RECORDS_WORTH_A_BATCH = 16

# Between so many sends other requests have their turn.
_SENDS_PER_TURN = 256


class Turns:
    """Lets one batch at a time wait to be taken by the client, for each partition, in the order they came.

    Those that wait in the client itself count the time of every look again at each look, and give up too early.
    """

    def __init__(self) -> None:
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def at(self, partition: int) -> asyncio.Lock:
        """The turn at one partition."""
        return self._locks[partition]


class Flight:
    """Hands records to Kafka's client and hears what became of them; `outcomes` are in the records' order.

    `share` is released when the flight is closed and the client holds none of the records any more. What is not
    handed over or not settled when the flight is closed stays unwritten.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str, records: Sequence[OutgoingRecord], share: Share) -> None:
        self._producer = producer
        self._topic = topic
        self._records = records
        self._share = share
        self._in_client = 0
        self._open = True
        self._unsettled = len(records)
        self._landed = asyncio.Event()
        self._any_failed = False
        self.any_acknowledged = False
        self.outcomes: list[Written] = [Unwritten()] * len(records)

    @property
    def is_in_doubt(self) -> bool:
        """Whether some record may be in the log or not."""
        return self._any_failed or self._unsettled > 0

    async def write(self, partitions: Sequence[int], turns: Turns) -> None:
        """Hand every record over, and return when each has its outcome."""
        runs = runs_of(partitions)
        if len(self._records) < _RECORDS_WORTH_A_BATCH * len(runs):
            await self._write_singly(partitions)
        else:
            # One partition that takes nothing holds up no other.
            async with asyncio.TaskGroup() as group:
                for run in runs:
                    group.create_task(self._write_run(run, turns), name="write a run of records")

    def close(self) -> None:
        """No more records are handed over, and outcomes that come later are not of interest."""
        self._open = False
        self._release_when_gone()

    async def _write_singly(self, partitions: Sequence[int]) -> None:
        for index, (record, partition) in enumerate(zip(self._records, partitions, strict=True)):
            try:
                future = await self._producer.send(
                    self._topic, record.value, key=record.key, partition=partition, headers=record.headers
                )
            except KafkaError as error:
                self._settle(index, [_failed(error)])
            else:
                self._await_client(future, index, index + 1)
            if index % _SENDS_PER_TURN == _SENDS_PER_TURN - 1:
                await asyncio.sleep(0)
        await self._landed.wait()

    async def _write_run(self, run: Run, turns: Turns) -> None:
        """Write neighbours in batches of their own, each as large as the client allows."""
        on_their_way = []
        first = run.first
        while first < run.end:
            batch, end = self._batch(first, run.end)
            try:
                async with turns.at(run.partition):
                    future = await self._producer.send_batch(batch, self._topic, partition=run.partition)
            except KafkaError as error:
                self._settle(first, [_failed(error)] * (end - first))
            else:
                self._await_client(future, first, end)
                on_their_way.append((future, first, end))
            first = end
        for future, first, end in on_their_way:
            await asyncio.wait((future,))
            refusal = future.exception()
            if end - first > 1 and refusal is not None and _is_too_large(refusal):
                # Kafka refuses the batch for any one of its records, or for their sum.
                middle = (first + end) // 2
                await self._write_run(Run(run.partition, first, middle), turns)
                await self._write_run(Run(run.partition, middle, end), turns)

    def _batch(self, first: int, end: int) -> tuple[Any, int]:
        """A batch that begins with the record `first`, and the first one before `end` that it has no room for."""
        batch = self._producer.create_batch()
        index = first
        while index < end:
            record = self._records[index]
            if batch.append(timestamp=None, key=record.key, value=record.value, headers=record.headers) is None:
                break
            index += 1
        # Or records of other requests would join it: refused for one's size, all are written again.
        batch.close()
        return batch, index

    def _await_client(self, future: asyncio.Future[Any], first: int, end: int) -> None:
        self._in_client += 1
        future.add_done_callback(partial(self._answered, first, end))

    def _answered(self, first: int, end: int, future: asyncio.Future[Any]) -> None:
        self._in_client -= 1
        error = KafkaError() if future.cancelled() else future.exception()
        if error is None:
            written = future.result()
            self.any_acknowledged = True
            # The client tells where the first record of a batch stands.
            self._settle(first, [Place(written.partition, written.offset + index) for index in range(end - first)])
        elif end - first == 1 or not _is_too_large(error):
            self._settle(first, [_failed(error)] * (end - first))
        self._release_when_gone()

    def _settle(self, first: int, outcomes: Sequence[Written]) -> None:
        if not self._open:
            return
        self.outcomes[first : first + len(outcomes)] = outcomes
        self._any_failed = self._any_failed or (isinstance(outcomes[0], Unwritten) and not outcomes[0].too_large)
        self._unsettled -= len(outcomes)
        if self._unsettled == 0:
            self._landed.set()

    def _release_when_gone(self) -> None:
        if not self._open and self._in_client == 0:
            self._share.release()


def _is_too_large(error: BaseException) -> bool:
    return isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError)


def _failed(error: BaseException) -> Unwritten:
    return Unwritten(too_large=_is_too_large(error))

"""The records of one request on their way to Kafka.

A few records join those of other requests in the batches of the client. Bulk goes in batches of its own, one for each
run of neighbours: such a batch is acknowledged once for all its records, at less than half of the cost for each.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import repeat
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
    handed over or settled when the flight is closed stays unwritten.
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
        self._refused: list[Run] = []
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
            await self._hand_over_singly(partitions)
            await self._landed.wait()
            return
        while runs:
            self._landed.clear()
            # One partition that takes nothing holds up no other.
            async with asyncio.TaskGroup() as group:
                for run in runs:
                    group.create_task(self._hand_over_run(run, turns), name="hand over a run of records")
            await self._landed.wait()
            runs = [half for batch in self._refused for half in batch.halves()]
            self._refused.clear()

    def close(self) -> None:
        """No more records are handed over, and outcomes that come later are not of interest."""
        self._open = False
        self._release_when_gone()

    async def _hand_over_singly(self, partitions: Sequence[int]) -> None:
        for index, (record, partition) in enumerate(zip(self._records, partitions, strict=True)):
            try:
                future = await self._producer.send(
                    self._topic, record.value, key=record.key, partition=partition, headers=record.headers
                )
            except KafkaError as error:
                self._settle(index, [_failed(error)])
            else:
                self._await_answer(future, Run(partition, index, index + 1))
            if index % _SENDS_PER_TURN == _SENDS_PER_TURN - 1:
                await asyncio.sleep(0)

    async def _hand_over_run(self, run: Run, turns: Turns) -> None:
        """Hand neighbours over in batches of their own, each as large as the client allows."""
        first = run.first
        while first < run.end:
            batch, end = self._batch(first, run.end)
            try:
                async with turns.at(run.partition):
                    future = await self._producer.send_batch(batch, self._topic, partition=run.partition)
            except KafkaError as error:
                self._settle(first, [_failed(error)] * (end - first))
            else:
                self._await_answer(future, Run(run.partition, first, end))
            first = end

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

    def _await_answer(self, future: asyncio.Future[Any], batch: Run) -> None:
        self._in_client += 1
        future.add_done_callback(partial(self._answered, batch))

    def _answered(self, batch: Run, future: asyncio.Future[Any]) -> None:
        self._in_client -= 1
        error = KafkaError() if future.cancelled() else future.exception()
        if error is None:
            self.any_acknowledged = True
            base = future.result().offset
            places = map(Place, repeat(batch.partition), range(base, base + len(batch)))
            self._settle(batch.first, list(places))
        elif _is_too_large(error) and len(batch) > 1:
            # Refused for any one of its records, or for their sum.
            self._refused.append(batch)
            self._note_landing()
        else:
            self._settle(batch.first, [_failed(error)] * len(batch))
        self._release_when_gone()

    def _settle(self, first: int, outcomes: Sequence[Written]) -> None:
        if not self._open:
            return
        self.outcomes[first : first + len(outcomes)] = outcomes
        self._any_failed = self._any_failed or (isinstance(outcomes[0], Unwritten) and not outcomes[0].too_large)
        self._unsettled -= len(outcomes)
        self._note_landing()

    def _note_landing(self) -> None:
        if self._unsettled == sum(map(len, self._refused)):
            self._landed.set()

    def _release_when_gone(self) -> None:
        if not self._open and self._in_client == 0:
            self._share.release()


def _is_too_large(error: BaseException) -> bool:
    return isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError)


def _failed(error: BaseException) -> Unwritten:
    return Unwritten(too_large=_is_too_large(error))

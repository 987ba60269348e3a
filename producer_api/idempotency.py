"""A submission that may come again under its `Idempotency-Key`: it is written once, and answered as often as asked.

Its record stands in the store before anything is in Kafka. Whoever comes while it is being written waits for that;
whoever comes after it was refused or cut short writes the same ids again, and the workers' claims remove doubles.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from common.store.idempotency import (
    Conclusion,
    Done,
    Idempotency,
    InUse,
    Publishing,
    RepeatableRequest,
    Reused,
    Unbegun,
)
from common.store.scripts import StoreUnavailable
from common.store.submissions import Submissions
from producer_api.batch import Batch, restamped
from producer_api.budget import Share
from producer_api.kafka_link import KafkaUnavailable
from producer_api.metrics import Metrics
from producer_api.outgoing import Place, Unwritten
from producer_api.publisher import Publisher
from producer_api.submission import SETTLING_SECONDS, Accepted, Entry, Settled, Submission

_LONGEST_WAIT_SECONDS = 5.0
_FIRST_LOOK_SECONDS = 0.05
_LONGEST_LOOK_SECONDS = 0.25

# Beside Kafka's time and the settling: the way there and back, on a machine that is busy.
_SLACK_SECONDS = 2.0

_OUTCOMES: dict[bytes, Unwritten | None] = {b"q": None, b"u": Unwritten(), b"l": Unwritten(too_large=True)}


class KeyReused(RuntimeError):  # noqa: N818 - a fact about a request
    """The key stands for another request."""


class KeyInUse(RuntimeError):  # noqa: N818 - names a state that passes
    """The same request is being written by somebody else."""


def lease_seconds(publish_timeout_seconds: float) -> float:
    """How long one publishing may take before another request goes on with it."""
    return publish_timeout_seconds + SETTLING_SECONDS + _SLACK_SECONDS


class IdempotentSubmission:
    """Submits what may come again.

    Args:
        submission: Writes and settles.
        publisher: Says whether Kafka can be written to.
        submissions: The store's moves of tasks.
        idempotency: The keys' records.
        metrics: What is counted.
        store_timeout_seconds: Longest wait for the store before anything is written.
        new_token: Makes a random text, one for each try to begin.
    """

    def __init__(
        self,
        *,
        submission: Submission,
        publisher: Publisher,
        submissions: Submissions,
        idempotency: Idempotency,
        metrics: Metrics,
        store_timeout_seconds: float,
        new_token: Callable[[], str],
    ) -> None:
        self._submission = submission
        self._publisher = publisher
        self._submissions = submissions
        self._idempotency = idempotency
        self._metrics = metrics
        self._store_timeout = store_timeout_seconds
        self._new_token = new_token
        self._log = structlog.get_logger(__name__)

    async def submit(self, request: RepeatableRequest, batch: Batch) -> Sequence[Entry]:
        """Write the batch, or the one that was begun under the key, or learn what came of that.

        Raises:
            KeyReused: the key stands for another request.
            KeyInUse: the same request is still being written by somebody else.
            Overloaded: the process holds as much as it may; nothing was written.
            StoreUnavailable: Redis is out of reach; nothing was written.
            KafkaUnavailable: Kafka is out of reach: no prompt was accepted.
        """
        share = self._submission.admit(batch)
        try:
            turn = await self._turn(request, batch)
            if isinstance(turn, Publishing) and turn.times > 1:
                batch = restamped(batch, turn.stamp)
                await self._take_refusals_back(batch)
        except BaseException:
            share.release()
            raise
        if isinstance(turn, Done):
            share.release()
            return self._answered(turn, "repeated")
        self._count("first" if turn.times == 1 else "resumed")
        return await self._publish(request, turn, batch, share)

    async def _turn(self, request: RepeatableRequest, batch: Batch, *, may_begin: bool = True) -> Publishing | Done:
        """Whose turn it is to write: the caller's, or nobody's any more. Waits a while for another's to end."""
        clock = asyncio.get_running_loop().time
        gives_up_at = clock() + _LONGEST_WAIT_SECONDS
        look_seconds = _FIRST_LOOK_SECONDS
        while True:
            hindrance = self._hindrance()
            match await self._begin(request, batch, may_begin=may_begin and hindrance is None):
                case Publishing() | Done() as turn:
                    return turn
                case Reused():
                    self._count("reused")
                    raise KeyReused
                case Unbegun():
                    raise hindrance or KafkaUnavailable("the request was not written")
                case InUse() if clock() >= gives_up_at:
                    self._count("in_use")
                    raise KeyInUse
                case InUse():
                    await asyncio.sleep(look_seconds)
                    look_seconds = min(2 * look_seconds, _LONGEST_LOOK_SECONDS)

    def _hindrance(self) -> KafkaUnavailable | None:
        try:
            self._publisher.ensure_connected()
        except KafkaUnavailable as error:
            return error
        return None

    async def _begin(
        self, request: RepeatableRequest, batch: Batch, *, may_begin: bool
    ) -> Publishing | Done | InUse | Reused | Unbegun:
        try:
            async with asyncio.timeout(self._store_timeout):
                return await self._idempotency.begin(request, batch.stamp, token=self._new_token(), may_begin=may_begin)
        except TimeoutError:
            raise StoreUnavailable("Redis is out of reach") from None

    async def _take_refusals_back(self, batch: Batch) -> None:
        """A repeat after a refusal: a worker must not pass over what is about to be written."""
        try:
            async with asyncio.timeout(self._store_timeout):
                await self._submissions.unrefuse(batch.tasks(batch.task_ids))
        except TimeoutError:
            raise StoreUnavailable("Redis is out of reach") from None

    async def _publish(
        self, request: RepeatableRequest, publishing: Publishing, batch: Batch, share: Share
    ) -> Sequence[Entry]:
        try:
            places = await self._submission.publish(batch, share)
        except KafkaUnavailable:
            # This time nothing was written; an earlier time something may have been.
            places = [Unwritten()] * len(batch.task_ids)
        settled = await self._submission.settle(batch, places)
        if publishing.times > 1 and not settled.is_shown:
            # An earlier writer may still have marked what was not shown: whether it will run is open.
            raise StoreUnavailable("Redis is out of reach")
        if settled.to_write_again:
            await self._write_again(batch, settled)
        if not await self._conclude(request, publishing, settled):
            # Our lease lapsed, and another request writes the same ids: what it says of them holds.
            turn = await self._turn(request, batch, may_begin=False)
            if isinstance(turn, Done):
                return self._answered(turn, "superseded")
        if settled.is_refused:
            raise KafkaUnavailable("Kafka did not acknowledge in time")
        return settled.entries

    async def _write_again(self, batch: Batch, settled: Settled) -> None:
        """Another request with the key, whose lease had lapsed, marked tasks as refused that were just being written.

        Raises:
            Overloaded, KafkaUnavailable: whether they will run is open, until the same request comes again.
        """
        again = batch.only(set(settled.to_write_again))
        self._log.warning("records written once more: they were marked as refused meanwhile", tasks=len(again.task_ids))
        places = await self._submission.publish(again, self._submission.admit(again))
        if not all(isinstance(place, Place) for place in places):
            raise KafkaUnavailable("Kafka did not acknowledge in time")

    async def _conclude(self, request: RepeatableRequest, publishing: Publishing, settled: Settled) -> bool:
        """Keep the answer; False when it is not ours to give.

        Where some id might still run though it is told as failed, nothing is kept: a repeat finds the lease lapsed.
        """
        if not settled.is_marked:
            return True
        conclusion = Conclusion.REFUSED if settled.is_refused else Conclusion.DONE
        outcome = b"".join(_code(entry) for entry in settled.entries)
        try:
            async with asyncio.timeout(self._store_timeout):
                return await self._idempotency.conclude(request, publishing, conclusion, outcome)
        except (StoreUnavailable, TimeoutError):
            self._log.warning("the answer to a repeat could not be kept: redis is out of reach")
            return True

    def _answered(self, done: Done, how: str) -> list[Entry]:
        self._count(how)
        outcomes = [_OUTCOMES[done.outcome[index : index + 1]] for index in range(len(done.task_ids))]
        return [outcome or Accepted(task_id) for task_id, outcome in zip(done.task_ids, outcomes, strict=True)]

    def _count(self, how: str) -> None:
        self._metrics.idempotent_requests.labels(how).inc()


def _code(entry: Entry) -> bytes:
    """One byte of a record's outcome."""
    if isinstance(entry, Accepted):
        return b"q"
    return b"l" if entry.too_large else b"u"

"""The one use case: prompts become tasks that are accepted, or are told apart as not accepted."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from common.store.idempotency import Stamp
from common.store.scripts import StoreUnavailable
from common.store.submissions import Located, Submissions
from common.task import Task
from producer_api.batch import Batch, Prompt, Terms, prepare_batch
from producer_api.budget import Budget, Share
from producer_api.kafka_link import KafkaUnavailable
from producer_api.metrics import Metrics
from producer_api.outgoing import Place, Unwritten
from producer_api.publisher import Publisher
from producer_api.store_health import StoreHealth

# After Kafka's acknowledgement the task exists: the store's part may not hold its client up for long.
_ACCEPTS_PER_ROUND_TRIP = 250
_ACCEPT_SECONDS = 2.0
_ACCEPT_RETRY_SECONDS = 0.1
_REFUSE_SECONDS = 1.0
# A process that was held up finds its time over before it has asked, or heard: it asks once more.
_ASK_AGAIN_SECONDS = 1.0

# What the store's part takes at most after that, but for a Redis that is slow on each of many round trips.
SETTLING_SECONDS = max(_ACCEPT_SECONDS, _REFUSE_SECONDS) + _ASK_AGAIN_SECONDS


class Accepted(NamedTuple):
    """The task exists and will run."""

    task_id: str


Entry = Accepted | Unwritten


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of each prompt of a batch, in order.

    `is_marked` says that every id that is no task is marked so in the store, `is_shown` that every task is shown
    there. `to_write_again` are the ids of tasks that were marked as refused while their records were written: a worker
    may have passed over these.
    """

    entries: Sequence[Entry]
    is_marked: bool
    is_shown: bool
    to_write_again: Sequence[str]

    @property
    def is_refused(self) -> bool:
        """Whether no prompt was accepted, for no fault of the prompts."""
        lost = [entry for entry in self.entries if isinstance(entry, Unwritten)]
        return len(lost) == len(self.entries) and not all(entry.too_large for entry in lost)


class Submission:
    """Makes tasks and submits them.

    Args:
        publisher: Writes records.
        submissions: The store's moves.
        store_health: Whether the store answers.
        budget: What the process may hold.
        metrics: What is counted.
        max_prompt_bytes: Largest prompt, as JSON with its metadata.
        clock: Unix time in seconds.
        new_task_id: Makes an id.
    """

    def __init__(
        self,
        *,
        publisher: Publisher,
        submissions: Submissions,
        store_health: StoreHealth,
        budget: Budget,
        metrics: Metrics,
        max_prompt_bytes: int,
        clock: Callable[[], float],
        new_task_id: Callable[[], str],
    ) -> None:
        self._publisher = publisher
        self._submissions = submissions
        self._store_health = store_health
        self._budget = budget
        self._metrics = metrics
        self._max_prompt_bytes = max_prompt_bytes
        self._clock = clock
        self._new_task_id = new_task_id
        self._log = structlog.get_logger(__name__)

    def prepare(self, prompts: Sequence[Prompt], terms: Terms) -> Batch:
        """Make tasks and their records. Nothing is written.

        Raises:
            PromptTooLarge: one is larger than a record may be.
            PromptTooDeep: one cannot be written as JSON.
        """
        created_at = round(self._clock(), 3)
        expires_at = round(created_at + terms.expires_in_seconds, 3)
        stamp = Stamp([self._new_task_id() for _ in prompts], created_at, expires_at)
        return prepare_batch(prompts, terms, stamp, max_prompt_bytes=self._max_prompt_bytes)

    async def submit(self, batch: Batch) -> Sequence[Entry]:
        """Write the batch, show its tasks, and say of each prompt, in order, what became of it.

        Raises:
            Overloaded: the process holds as much as it may; nothing was written.
            StoreUnavailable: Redis is out of reach; nothing was written.
            KafkaUnavailable: Kafka is out of reach: no prompt was accepted.
        """
        share = self.admit(batch)
        try:
            self._publisher.ensure_connected()
            await self._store_health.ensure()
        except BaseException:
            share.release()
            raise
        settled = await self.settle(batch, await self.publish(batch, share))
        if settled.is_refused:
            raise KafkaUnavailable("Kafka did not acknowledge in time")
        return settled.entries

    def admit(self, batch: Batch) -> Share:
        """The batch's share of the budget; its holder releases it, or gives it to `publish`.

        Raises:
            Overloaded: the process holds as much as it may.
        """
        share = self._budget.share()
        share.grow(size_bytes=batch.size_bytes, records=len(batch.task_ids))
        return share

    async def publish(self, batch: Batch, share: Share) -> Sequence[Place | Unwritten]:
        """Write the records; takes over `share`.

        Raises:
            KafkaUnavailable: nothing was written.
        """
        begun_at = time.perf_counter()
        try:
            return await self._publisher.publish(batch.lane, batch.records, share)
        finally:
            self._metrics.publish_seconds.observe(time.perf_counter() - begun_at)

    async def settle(self, batch: Batch, places: Sequence[Place | Unwritten]) -> Settled:
        """Show what was written, mark what was not, and say what became of each prompt."""
        written, unwritten = [], []
        for task_id, place, model in zip(batch.task_ids, places, batch.models, strict=True):
            if isinstance(place, Place):
                written.append(Located(task_id, *place, model))
            else:
                unwritten.append(task_id)
        if unwritten:
            found, (to_write_again, is_shown) = await asyncio.gather(
                self._refuse(batch.tasks(unwritten)), self._accept(batch.pattern, written)
            )
        else:
            found = ()
            to_write_again, is_shown = await self._accept(batch.pattern, written)
        running = {task.task_id for task in found or ()}
        entries = [
            Accepted(task_id) if isinstance(place, Place) or task_id in running else place
            for task_id, place in zip(batch.task_ids, places, strict=True)
        ]
        accepted = len(written) + len(running)
        self._metrics.prompts_accepted.labels(batch.lane).inc(accepted)
        self._metrics.prompts_unwritten.labels(batch.lane).inc(len(entries) - accepted)
        if batch.sending is not None:
            batch.sending.ended(batch.task_ids, places)
        return Settled(entries, is_marked=found is not None, is_shown=is_shown, to_write_again=to_write_again)

    async def _accept(self, pattern: Task, written: Sequence[Located]) -> tuple[list[str], bool]:
        """Show the tasks as queued. They are accepted whether or not this succeeds: a worker's claim shows them too.

        Returns those to write again, and whether all are shown.
        """
        to_write_again: list[str] = []
        for first in range(0, len(written), _ACCEPTS_PER_ROUND_TRIP):
            readmitted = await self._accept_in_time(pattern, written[first : first + _ACCEPTS_PER_ROUND_TRIP])
            if readmitted is None:
                late = len(written) - first
                self._metrics.accepts_delayed.inc(late)
                self._log.warning("accepted tasks are not shown yet: redis is out of reach", tasks=late)
                return to_write_again, False
            to_write_again += readmitted
        return to_write_again, True

    async def _accept_in_time(self, pattern: Task, written: Sequence[Located]) -> list[str] | None:
        for seconds in (_ACCEPT_SECONDS, _ASK_AGAIN_SECONDS):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    return await self._accept_until_shown(pattern, written)
        return None

    async def _accept_until_shown(self, pattern: Task, written: Sequence[Located]) -> list[str]:
        while True:
            try:
                return await self._submissions.accept_alike(pattern, written)
            except StoreUnavailable:
                await asyncio.sleep(_ACCEPT_RETRY_SECONDS)

    async def _refuse(self, tasks: Sequence[Task]) -> Sequence[Task] | None:
        """Mark tasks whose client is told that they were not accepted; their records may be in the log all the same.

        Returns those that a worker was first to find: they run, and it would be a lie to call them refused. None when
        they could not be marked.
        """
        if not tasks:
            return ()
        for seconds in (_REFUSE_SECONDS, _ASK_AGAIN_SECONDS):
            with suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(seconds):
                    return await self._submissions.refuse(tasks)
        self._log.warning("unwritten tasks could not be marked: redis is out of reach", tasks=len(tasks))
        return None

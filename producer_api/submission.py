"""The one use case: prompts become tasks that are accepted, or are told apart as not accepted."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson
import structlog

from common.record import encode_task, task_headers
from common.store.scripts import StoreUnavailable
from common.store.submissions import Submissions, Written
from common.task import Lane, Task
from producer_api.budget import Budget, Share
from producer_api.kafka_link import KafkaUnavailable
from producer_api.metrics import Metrics
from producer_api.publisher import OutgoingRecord, Place, Publisher, Unwritten
from producer_api.store_health import StoreHealth

# After Kafka's acknowledgement the task exists: the store's part may not hold its client up for long.
_ACCEPTS_PER_ROUND_TRIP = 250
_ACCEPT_SECONDS = 2.0
_ACCEPT_RETRY_SECONDS = 0.1
_REFUSE_SECONDS = 1.0


class Prompt(NamedTuple):
    """A prompt that was read and found well-formed: the request body for the model, and the client's metadata."""

    body: dict[str, object]
    metadata: dict[str, str]


class PromptTooLarge(ValueError):  # noqa: N818 - a fact about a prompt
    """The prompt at `index` is larger than a record may be; sizes in bytes."""

    def __init__(self, index: int, size: int, limit: int) -> None:
        super().__init__(f"prompt {index} has {size} bytes, {limit} are allowed")
        self.index, self.size, self.limit = index, size, limit


class PromptTooDeep(ValueError):  # noqa: N818 - a fact about a prompt
    """The prompt at `index` is nested more deeply than JSON is written."""

    def __init__(self, index: int) -> None:
        super().__init__(f"prompt {index} is nested too deeply")
        self.index = index


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the tasks of one request have in common. `expires_in_seconds` from now; `traceparent` as in W3C's."""

    tenant: str
    lane: Lane
    expires_in_seconds: float
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks with their records, ready to be written. The tasks have no body any more: their records hold it."""

    lane: Lane
    tasks: Sequence[Task]
    records: Sequence[OutgoingRecord]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The task exists and will run."""

    task_id: str


Entry = Accepted | Unwritten


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
        self._log = structlog.get_logger()

    def prepare(self, prompts: Sequence[Prompt], terms: Terms) -> Batch:
        """Make tasks and their records. Nothing is written.

        Raises:
            PromptTooLarge: one is larger than a record may be.
            PromptTooDeep: one cannot be written as JSON.
        """
        created_at = round(self._clock(), 3)
        expires_at = round(created_at + terms.expires_in_seconds, 3)

        # Called twice for each prompt: spelled out, it takes a third of the time of dataclasses.replace().
        def task_of(task_id: str, body: dict[str, object], metadata: dict[str, str]) -> Task:
            return Task(
                task_id=task_id,
                tenant=terms.tenant,
                lane=terms.lane,
                body=body,
                metadata=metadata,
                created_at=created_at,
                expires_at=expires_at,
            )

        envelope_bytes = len(encode_task(task_of(self._new_task_id(), {}, {})))
        tasks, records, total = [], [], 0
        for index, prompt in enumerate(prompts):
            task = task_of(self._new_task_id(), prompt.body, prompt.metadata)
            try:
                value = encode_task(task)
            except (orjson.JSONEncodeError, RecursionError):
                raise PromptTooDeep(index) from None
            if len(value) - envelope_bytes > self._max_prompt_bytes:
                raise PromptTooLarge(index, len(value) - envelope_bytes, self._max_prompt_bytes)
            records.append(OutgoingRecord(task.task_id.encode(), value, task_headers(task, terms.traceparent)))
            tasks.append(task_of(task.task_id, {}, {}))
            total += len(value)
        return Batch(terms.lane, tasks, records, total)

    async def submit(self, batch: Batch) -> list[Entry]:
        """Write the batch, show its tasks, and say of each prompt, in order, what became of it.

        Raises:
            Overloaded: the process holds as much as it may; nothing was written.
            StoreUnavailable: Redis is out of reach; nothing was written.
            KafkaUnavailable: Kafka is out of reach: no prompt was accepted.
        """
        share = self._budget.share()
        share.grow(size_bytes=batch.size_bytes, records=len(batch.tasks))
        try:
            self._publisher.ensure_connected()
            await self._store_health.ensure()
        except BaseException:
            share.release()
            raise
        places = await self._publish(batch, share)
        written, unwritten = [], []
        for task, place in zip(batch.tasks, places, strict=True):
            if isinstance(place, Place):
                written.append(Written(task, place.partition, place.offset))
            else:
                unwritten.append(task)
        await asyncio.gather(self._refuse(unwritten), self._accept(written))
        self._metrics.prompts_accepted.labels(batch.lane).inc(len(written))
        self._metrics.prompts_unwritten.labels(batch.lane).inc(len(unwritten))
        if not written and not all(isinstance(place, Unwritten) and place.too_large for place in places):
            raise KafkaUnavailable("Kafka did not acknowledge in time")
        return [
            Accepted(task.task_id) if isinstance(place, Place) else place
            for task, place in zip(batch.tasks, places, strict=True)
        ]

    async def _publish(self, batch: Batch, share: Share) -> list[Place | Unwritten]:
        with self._metrics.publish_seconds.time():
            return await self._publisher.publish(batch.lane, batch.records, share)

    async def _accept(self, written: Sequence[Written]) -> None:
        """Show the tasks as queued. They are accepted whether or not this succeeds: a worker's claim shows them too."""
        for first in range(0, len(written), _ACCEPTS_PER_ROUND_TRIP):
            try:
                async with asyncio.timeout(_ACCEPT_SECONDS):
                    await self._accept_until_shown(written[first : first + _ACCEPTS_PER_ROUND_TRIP])
            except TimeoutError:
                late = len(written) - first
                self._metrics.accepts_delayed.inc(late)
                self._log.warning("accepted tasks are not shown yet: redis is out of reach", tasks=late)
                return

    async def _accept_until_shown(self, written: Sequence[Written]) -> None:
        while True:
            try:
                return await self._submissions.accept(written)
            except StoreUnavailable:
                await asyncio.sleep(_ACCEPT_RETRY_SECONDS)

    async def _refuse(self, tasks: Sequence[Task]) -> None:
        """Mark tasks whose client is told that they were not accepted; their records may be in the log all the same."""
        if not tasks:
            return
        try:
            async with asyncio.timeout(_REFUSE_SECONDS):
                await self._submissions.refuse(tasks)
        except (StoreUnavailable, TimeoutError):
            self._log.warning("unwritten tasks could not be marked: redis is out of reach", tasks=len(tasks))

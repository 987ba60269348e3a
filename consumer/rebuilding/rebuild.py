"""Rebuilding the store from Kafka: what has ended from the results topic, what has not from the tasks topics.

Everything written is written only where the store knows less, so that a rebuild may run beside traffic, twice, or by
several at once. Outcomes come first: a task is open only if it has none.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NoError,
    NotCoordinatorForGroupError,
)

from common.partition_log import Read, read_on
from common.record import UnknownVersion, UnreadableRecord, decode_task
from common.store.marker import Marker
from common.store.rebuild_lease import RebuildLease
from common.store.restoring import OpenTask, Restoring
from common.store.scripts import StoreUnavailable
from common.store.submissions import Written
from common.task import Lane, parse_task_id
from common.topics import TopicNames
from consumer.engine.tail import resumption
from consumer.rebuilding.outcomes import read_outcome

_RECORDS_PER_ROUND_TRIP = 200
_POLL_MS = 500
_COORDINATOR_RETRY_SECONDS = 0.2
_RENEWALS_PER_LEASE = 3
_PROGRESS_SECONDS = 0.5

# A new broker makes its topic of groups when first asked; the client says NoError for an error of one partition.
_COORDINATOR_AWAY = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    NoError,
)

# Records done of records in all.
OnProgress = Callable[[int, int], Awaitable[None]]


class TopicMissing(RuntimeError):  # noqa: N818 - names what is wrong
    """There is no such topic: nothing can be said of the store."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"there is no topic {topic}")
        self.topic = topic


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild came to. `outcomes` and `reopened` count what the store did not know."""

    outcomes: int = 0
    deleted: int = 0
    reopened: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Records of one partition from `start` up to `end`, which is not among them."""

    partition: TopicPartition
    start: int
    end: int


class Rebuild:
    """One rebuild. `reader` belongs to no group; both clients are started, and nobody else's meanwhile.

    `holders_turn_seconds` is how long an open task is left to a worker that may be calling the model for it.
    """

    def __init__(
        self,
        *,
        reader: AIOKafkaConsumer,
        admin: AIOKafkaAdminClient,
        restoring: Restoring,
        names: TopicNames,
        result_ttl_seconds: float,
        deadline_seconds: float,
        holders_turn_seconds: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._reader = reader
        self._admin = admin
        self._restoring = restoring
        self._names = names
        self._result_ttl_seconds = result_ttl_seconds
        self._deadline_seconds = deadline_seconds
        self._holders_turn_seconds = holders_turn_seconds
        self._now = now

    async def run(self, on_progress: OnProgress) -> Rebuilt:
        """Read everything up to what is there now, and write what the store lacks.

        Raises:
            StoreUnavailable: Redis is out of reach; some is written.
            KafkaError: a broker refuses, or is out of reach.
            TopicMissing: there is no such topic.
        """
        # In this order: what was committed before has its outcome among the results that are read.
        open_stretches = await self._open_stretches()
        result_stretches = await self._result_stretches()
        stretches = [*result_stretches, *open_stretches]
        total = sum(stretch.end - stretch.start for stretch in stretches)
        done, rebuilt = 0, Rebuilt()
        await on_progress(0, total)
        for stretch in stretches:
            write = self._write_outcomes if stretch in result_stretches else self._write_open
            reached = stretch.start
            async for read in self._read(stretch):
                rebuilt = await write([record for record in read.records if record.offset < stretch.end], rebuilt)
                rebuilt = replace(rebuilt, unreadable=rebuilt.unreadable + read.skipped)
                done += min(read.position, stretch.end) - reached
                reached = min(read.position, stretch.end)
                await on_progress(done, total)
        return rebuilt

    async def _result_stretches(self) -> list[_Stretch]:
        # An outcome says that its record is not to run for as long as the record could.
        oldest = self._now() - max(self._result_ttl_seconds, self._deadline_seconds)
        partitions = await self._partitions(self._names.results)
        ends = await self._reader.end_offsets(partitions)
        since = await self._reader.offsets_for_times(dict.fromkeys(partitions, round(max(0.0, oldest) * 1000)))
        return [_Stretch(key, at.offset, ends[key]) for key, at in since.items() if at and at.offset < ends[key]]

    async def _open_stretches(self) -> list[_Stretch]:
        partitions = [key for lane in Lane for key in await self._partitions(self._names.tasks(lane))]
        committed = await self._committed(partitions)
        begins = await self._reader.beginning_offsets(partitions)
        ends = await self._reader.end_offsets(partitions)
        # Where nothing was ever committed the answer is -1: the group begins at the beginning.
        starts = {key: max(committed[key], begins[key]) for key in partitions}
        return [_Stretch(key, starts[key], ends[key]) for key in partitions if starts[key] < ends[key]]

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        (described,) = await self._admin.describe_topics([topic])
        if not described["partitions"]:
            # Of another deployment's store it would be said that it is whole.
            raise TopicMissing(topic)
        return [TopicPartition(topic, found["partition"]) for found in described["partitions"]]

    async def _committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The group's committed offsets, -1 where there is none; waits while the group has no coordinator."""
        while True:
            try:
                found = await self._admin.list_consumer_group_offsets(
                    self._names.llm_group, partitions=list(partitions)
                )
            except _COORDINATOR_AWAY:
                found = {}
            # An error of the whole group comes as an answer without its partitions.
            if found.keys() >= set(partitions):
                return {key: found[key].offset for key in partitions}
            await asyncio.sleep(_COORDINATOR_RETRY_SECONDS)

    async def _read(self, stretch: _Stretch) -> AsyncIterator[Read]:
        """The stretch's records, and perhaps some behind it; one partition at a time, which bounds the memory."""
        key, position = stretch.partition, stretch.start
        self._reader.assign([key])
        self._reader.seek(key, position)
        while position < stretch.end:
            read = await read_on(self._reader, key, position, timeout_ms=_POLL_MS, max_records=_RECORDS_PER_ROUND_TRIP)
            position = read.position
            yield read

    async def _write_outcomes(self, records: Sequence[ConsumerRecord], so_far: Rebuilt) -> Rebuilt:
        outcomes, deleted, unreadable = [], dict[str, float](), 0
        for record in records:
            task_id = parse_task_id((record.key or b"").decode(errors="replace"))
            if task_id is None:
                unreadable += 1
            elif record.value is None:
                # The task was there before this record was: it had its end by then, or will have it within a window.
                deleted[task_id] = record.timestamp / 1000 + self._deadline_seconds
            else:
                try:
                    outcomes.append(
                        read_outcome(task_id, record.value, record.headers, deadline_seconds=self._deadline_seconds)
                    )
                except ValueError:
                    unreadable += 1
        restored = await self._restoring.restore(outcomes)
        if deleted:
            await self._restoring.bury(list(deleted), expires_at=max(deleted.values()))
        return replace(
            so_far,
            outcomes=so_far.outcomes + restored,
            deleted=so_far.deleted + len(deleted),
            unreadable=so_far.unreadable + unreadable,
        )

    async def _write_open(self, records: Sequence[ConsumerRecord], so_far: Rebuilt) -> Rebuilt:
        tasks, unreadable = [], 0
        for record in records:
            try:
                task = decode_task(record.value)
            except (UnreadableRecord, UnknownVersion):
                # Whoever is given the record decides on it.
                unreadable += 1
            else:
                written = Written(
                    replace(task, body={} if task.model is None else {"model": task.model}),
                    record.partition,
                    record.offset,
                )
                known = resumption(record.headers)
                tasks.append(OpenTask(written, known.attempts, known.failures, known.not_before))
        reopened = await self._restoring.reopen(tasks, delay_seconds=self._holders_turn_seconds)
        return replace(so_far, reopened=so_far.reopened + reopened, unreadable=so_far.unreadable + unreadable)


async def rebuild_under_lease(
    rebuild: Rebuild, lease: RebuildLease, marker: Marker, on_progress: OnProgress
) -> Rebuilt | None:
    """Rebuild under a lease that is `held`, and then say that the store is whole.

    None when the lease was lost on the way, or with it the store: what was written may be gone, it is not whole.

    Raises:
        StoreUnavailable: Redis is out of reach.
        KafkaError: a broker refuses, or is out of reach.
    """
    identity = await marker.identity()
    rebuilt = await rebuild.run(_telling(lease, on_progress))
    if not await lease.renew():
        return None
    await marker.set(identity.run_id)
    return rebuilt


def _telling(lease: RebuildLease, on_progress: OnProgress) -> OnProgress:
    told = -_PROGRESS_SECONDS

    async def tell(done: int, total: int) -> None:
        nonlocal told
        if done == total or time.monotonic() - told >= _PROGRESS_SECONDS:
            told = time.monotonic()
            await lease.tell(done, total)
            await on_progress(done, total)

    return tell


@asynccontextmanager
async def held(lease: RebuildLease, *, lease_seconds: float) -> AsyncIterator[None]:
    """Renew a lease that was taken while the body runs, and let it go after."""
    log = structlog.get_logger(__name__)

    async def renew() -> None:
        while True:
            await asyncio.sleep(lease_seconds / _RENEWALS_PER_LEASE)
            try:
                await lease.renew()
            except StoreUnavailable as error:
                log.warning("rebuild's lease not renewed", reason=str(error))

    renewing = asyncio.create_task(renew(), name="renew the rebuild's lease")
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        try:
            await lease.release()
        except StoreUnavailable as error:
            log.warning("rebuild's lease left to lapse", reason=str(error))

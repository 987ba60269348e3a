"""Reading the dead-letter topic by a consumer without a group: within bounds of time, of count and of bytes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from common.connections import stop_reader
from common.partition_log import read_on
from producer_api.kafka_link import KafkaUnavailable
from producer_api.operator.cursor import Cursor, Stretch
from producer_api.operator.letters import Letter, LetterFilter, Position, Source

_POLL_MS = 500
_RECORDS_PER_POLL = 100
_CLOSE_SECONDS = 5.0


class LogBusy(RuntimeError):  # noqa: N818 - names the state of the process
    """As many requests read the topic as may: the same request can succeed a moment later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLimits:
    """Of one request: `seconds` in all, records and bytes of one page. `readers` read at once, others wait in between.

    One that has waited for `queue_seconds` is refused.
    """

    seconds: float = 20.0
    records: int = 5_000
    bytes: int = 32 * 1024 * 1024
    readers: int = 2
    queue_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Page:
    """Letters, oldest first, of `scanned` records; `rest` is where it goes on, None where nothing is left.

    `later` is for what was written behind all that the look is about, None where it was for single letters.
    """

    letters: Sequence[Letter]
    scanned: int
    rest: Cursor | None
    later: Cursor | None = None


class LetterLog:
    """Opens the topic for one request at a time, or a few.

    Args:
        create_reader: Makes a consumer without a group that is not started.
        partitions_of: The partitions of a topic that exists; raises KafkaUnavailable.
        topic: The dead letters'.
        limits: Bounds of each request.
    """

    def __init__(
        self,
        *,
        create_reader: Callable[[], AIOKafkaConsumer],
        partitions_of: Callable[[str], Awaitable[Collection[int]]],
        topic: str,
        limits: LogLimits,
    ) -> None:
        self._create_reader = create_reader
        self._partitions_of = partitions_of
        self._topic = topic
        self._limits = limits
        self._readers = asyncio.Semaphore(limits.readers)
        self._log = structlog.get_logger(__name__)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["OpenLog"]:
        """Read while the body runs, for as long as the limits allow.

        Raises:
            LogBusy: too many do already.
            KafkaUnavailable: Kafka is out of reach, or too slow.
        """
        try:
            async with asyncio.timeout(self._limits.queue_seconds):
                await self._readers.acquire()
        except TimeoutError:
            raise LogBusy from None
        reader = None
        limit = asyncio.timeout(self._limits.seconds)
        try:
            async with limit:
                partitions = await self._partitions_of(self._topic)
                reader = self._create_reader()
                await reader.start()
                # A client that is stopped before its coroutines have begun lets their cancellation out.
                await asyncio.sleep(0)
                yield OpenLog(reader, self._topic, partitions, self._partitions_of, self._limits)
        except (KafkaError, OSError) as error:
            if isinstance(error, TimeoutError) and not limit.expired():
                raise
            raise KafkaUnavailable(f"dead letters cannot be read: {type(error).__name__}") from error
        finally:
            try:
                if reader is not None:
                    await self._close(reader)
            finally:
                self._readers.release()

    async def _close(self, reader: AIOKafkaConsumer) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await stop_reader(reader)
        except (KafkaError, OSError) as error:
            self._log.warning("reader of dead letters not closed", error=type(error).__name__)


class OpenLog:
    """One request's look into the topic, and by its `reader` into any other.

    Methods raise KafkaError when Kafka does not answer.
    """

    def __init__(
        self,
        reader: AIOKafkaConsumer,
        topic: str,
        partitions: Collection[int],
        partitions_of: Callable[[str], Awaitable[Collection[int]]],
        limits: LogLimits,
    ) -> None:
        self.reader = self._reader = reader
        self._topic = topic
        self._partitions = partitions
        self.partitions_of = self._partitions_of = partitions_of
        self._limits = limits
        self._begun_at = asyncio.get_running_loop().time()

    async def begin(self, since: float | None) -> Cursor:
        """A cursor over all that is there now, or was written at `since` (Unix seconds) or later."""
        keys = [TopicPartition(self._topic, number) for number in sorted(self._partitions)]
        begins: dict[TopicPartition, int] = await self._reader.beginning_offsets(keys)
        ends: dict[TopicPartition, int] = await self._reader.end_offsets(keys)
        if since is not None:
            # A letter is written after the death that it tells of.
            later = await self._reader.offsets_for_times(dict.fromkeys(keys, round(since * 1000)))
            begins = {key: ends[key] if later[key] is None else max(begins[key], later[key].offset) for key in keys}
        return Cursor({key.partition: Stretch(min(begins[key], ends[key]), ends[key]) for key in keys})

    async def scan(self, cursor: Cursor, wanted: LetterFilter, *, limit: int) -> Page:
        """The next page of the letters meant: at most `limit`, fewer where another bound is met first."""
        known = await self._known(cursor)
        merge = _Merge(self._reader, self._topic, known.stretches)
        letters: list[Letter] = []
        scanned = size = 0
        # A part of the time is left for what is done with the page.
        until = self._begun_at + self._limits.seconds / 2
        while len(letters) < limit and scanned < self._limits.records and size < self._limits.bytes:
            record = await merge.next(until)
            if record is None:
                break
            scanned += 1
            size += len(record.value or b"")
            letter = _letter(record)
            if wanted.means(letter):
                letters.append(letter)
        rest = merge.rest
        return Page(letters, scanned, rest if rest.remaining else None, known.later)

    async def letter_at(self, position: Position) -> Letter | None:
        """The letter at a position; None where there is none (any more), or none that can be read."""
        if position.partition not in self._partitions:
            return None
        record = await self._record_at(TopicPartition(self._topic, position.partition), position.offset)
        return None if record is None else _letter(record)

    async def original(self, source: Source) -> Letter | None:
        """The record that a letter refers to, in the shape of a letter; None where it is gone or cannot be read."""
        if source.partition not in await self._partitions_of(source.topic):
            return None
        record = await self._record_at(TopicPartition(source.topic, source.partition), source.offset)
        return None if record is None else _letter(record)

    async def _known(self, cursor: Cursor) -> Cursor:
        """What of the cursor's there is: it comes from a client, which may have made it up."""
        known = {number: left for number, left in cursor.stretches.items() if number in self._partitions}
        keys = {number: TopicPartition(self._topic, number) for number in known}
        ends: dict[TopicPartition, int] = await self._reader.end_offsets(list(keys.values()))
        return Cursor(
            {
                number: Stretch(min(left.begin, ends[keys[number]]), min(left.end, ends[keys[number]]))
                for number, left in known.items()
            }
        )

    async def _record_at(self, key: TopicPartition, offset: int) -> ConsumerRecord | None:
        begins, ends = await self._reader.beginning_offsets([key]), await self._reader.end_offsets([key])
        if not begins[key] <= offset < ends[key]:
            return None
        self._reader.assign([key])
        self._reader.seek(key, offset)
        position = offset
        while position <= offset:
            read = await read_on(self._reader, key, position, timeout_ms=_POLL_MS, max_records=1)
            position = read.position
            for record in read.records:
                return record if record.offset == offset else None
        return None


class _Merge:
    """Records of several partitions in the order of their times, each partition's own order kept."""

    def __init__(self, reader: AIOKafkaConsumer, topic: str, stretches: Mapping[int, Stretch]) -> None:
        self._reader = reader
        self._ends = {TopicPartition(topic, number): left.end for number, left in stretches.items()}
        self._next = {TopicPartition(topic, number): left.begin for number, left in stretches.items()}
        self._position = dict(self._next)
        self._read: dict[TopicPartition, deque[ConsumerRecord]] = {
            key: deque() for key, end in self._ends.items() if self._next[key] < end
        }
        if self._read:
            reader.assign(list(self._read))
            for key in self._read:
                reader.seek(key, self._next[key])
        self._log = structlog.get_logger(__name__)

    @property
    def rest(self) -> Cursor:
        """What was not given out."""
        return Cursor({key.partition: Stretch(self._next[key], end) for key, end in self._ends.items()})

    async def next(self, until: float) -> ConsumerRecord | None:
        """The next record; None when there is none, or none came up to `until` by the loop's clock."""
        while empty := [key for key, records in self._read.items() if not records]:
            for key in empty:
                if asyncio.get_running_loop().time() >= until:
                    return None
                await self._fill(key)
        if not self._read:
            return None
        key = min(self._read, key=lambda key: (self._read[key][0].timestamp, key.partition))
        record = self._read[key].popleft()
        self._next[key] = record.offset + 1
        if record.offset + 1 >= self._ends[key]:
            del self._read[key]
        return record

    async def _fill(self, key: TopicPartition) -> None:
        position = self._position[key]
        read = await read_on(self._reader, key, position, timeout_ms=_POLL_MS, max_records=_RECORDS_PER_POLL)
        if read.skipped:
            self._log.warning("unreadable record passed over", topic=key.topic, partition=key.partition, at=position)
        self._position[key] = read.position
        self._read[key].extend(record for record in read.records if record.offset < self._ends[key])
        # At a partition's end may stand what is no record.
        if not self._read[key] and read.position >= self._ends[key]:
            self._next[key] = self._ends[key]
            del self._read[key]


def _letter(record: ConsumerRecord) -> Letter:
    return Letter(
        position=Position(record.partition, record.offset),
        timestamp=record.timestamp / 1000,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )

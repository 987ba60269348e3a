"""What a task asks, read back from its record: the store of tasks has no prompts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from common.connections import stop_reader
from common.partition_log import read_on
from common.record import UnknownVersion, UnreadableRecord, decode_task
from common.store.state import TaskState
from common.task import Task
from common.topics import TopicNames
from producer_api.kafka_link import KafkaUnavailable
from producer_api.request_cache import RequestCache, TaskRequest

# Of a record and what stands behind it in its batch; a larger one comes whole all the same.
FETCH_BYTES = 16 * 1024
_POLL_MS = 500
_CLOSE_SECONDS = 2.0


class _Found(NamedTuple):
    record: ConsumerRecord
    task: Task


class RequestLog:
    """Reads requests by the place of their records, one at a time, over one connection that is made when first needed.

    `seconds` bounds each reading. Close it at the end.
    """

    def __init__(
        self,
        *,
        create_reader: Callable[[], AIOKafkaConsumer],
        names: TopicNames,
        cache: RequestCache,
        seconds: float,
    ) -> None:
        self._create_reader = create_reader
        self._names = names
        self._cache = cache
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._reader: AIOKafkaConsumer | None = None
        self._log = structlog.get_logger(__name__)

    def keep(self, task_id: str, request: TaskRequest) -> None:
        """Take a request that this process has just read itself."""
        self._cache.keep(task_id, request)

    async def find(self, state: TaskState) -> TaskRequest | None:
        """What the task asks; None where its record is gone, or cannot be read.

        Raises:
            KafkaUnavailable: Kafka is out of reach, or too slow.
        """
        known, place = self._cache.find(state.task_id), self._place(state)
        if known is not None or place is None:
            return known
        async with self._in_turn():
            known = self._cache.find(state.task_id)
            if known is not None:
                return known
            found = await self._own(place, state)
        if found is None:
            return None
        request = TaskRequest(found.task.endpoint, found.task.body, found.task.metadata)
        self._cache.keep(state.task_id, request)
        return request

    async def record(self, state: TaskState) -> ConsumerRecord | None:
        """The task's record as it stands in Kafka now; None where it is gone, or cannot be read.

        Raises:
            KafkaUnavailable: Kafka is out of reach, or too slow.
        """
        place = self._place(state)
        if place is None:
            return None
        async with self._in_turn():
            found = await self._own(place, state)
        return None if found is None else found.record

    async def aclose(self) -> None:
        """Close the connection."""
        async with self._turn:
            await self._close()

    def _place(self, state: TaskState) -> tuple[TopicPartition, int] | None:
        if state.partition is None or state.offset is None:
            return None
        return TopicPartition(self._names.tasks(state.lane), state.partition), state.offset

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """Hold the connection while the body reads, all within the time there is."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
            try:
                async with asyncio.timeout_at(deadline):
                    yield
            except BaseException:
                # In the middle of something: the next one begins anew. Not under the limit: half closed is not closed.
                await self._close()
                raise
            finally:
                self._turn.release()
        except (KafkaError, OSError) as error:
            # Time that is over is among these.
            raise KafkaUnavailable(f"requests cannot be read: {type(error).__name__}") from error

    async def _own(self, at: tuple[TopicPartition, int], state: TaskState) -> _Found | None:
        record = await self._read(*at)
        if record is None:
            return None
        try:
            task = decode_task(record.value)
        except (UnreadableRecord, UnknownVersion):
            return None
        # A topic that was made anew has other records in the same places.
        return _Found(record, task) if task.task_id == state.task_id else None

    async def _read(self, place: TopicPartition, offset: int) -> ConsumerRecord | None:
        reader = await self._connected()
        reader.assign([place])
        reader.seek(place, offset)
        position = offset
        while position <= offset:
            read = await read_on(reader, place, position, timeout_ms=_POLL_MS, max_records=1)
            position = read.position
            for record in read.records:
                # What stands behind it is not wanted.
                reader.pause(place)
                return record if record.offset == offset else None
            if not read.skipped and not await _stands(reader, place, offset):
                return None
        return None

    async def _connected(self) -> AIOKafkaConsumer:
        if self._reader is None:
            reader = self._create_reader()
            self._reader = reader
            await reader.start()
            # A client that is stopped before its coroutines have begun lets their cancellation out.
            await asyncio.sleep(0)
        return self._reader

    async def _close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await stop_reader(reader)
        except (KafkaError, OSError) as error:
            self._log.warning("reader of requests not closed", error=type(error).__name__)


async def _stands(reader: AIOKafkaConsumer, place: TopicPartition, offset: int) -> bool:
    """Whether the partition has that offset, still and already."""
    begins, ends = await reader.beginning_offsets([place]), await reader.end_offsets([place])
    return bool(begins[place] <= offset < ends[place])

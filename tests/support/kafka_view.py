"""What Kafka itself says: members of groups, their lag, and the records of a topic."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from common.connections import create_admin, create_producer, create_reader
from common.record import UnknownVersion, UnreadableRecord, decode_task
from common.settings import KafkaSettings
from common.task import Task
from common.topics import TopicNames
from tests.support.unreadable_records import write_unreadable
from tests.support.waiting import until

_POLL_MS = 200


class KafkaView:
    """Looks into one test's topics and groups without taking part in them."""

    def __init__(self, settings: KafkaSettings, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer) -> None:
        self.topics = TopicNames(settings.topic_prefix)
        self._settings = settings
        self._admin = admin
        self._reader = reader

    async def working_members(self, group_id: str) -> int:
        """Return how many members of a stable group have partitions; 0 while it rebalances."""
        (answer,) = await self._admin.describe_consumer_groups([group_id])
        (group,) = answer.to_object()["groups"]
        if group["state"] != "Stable":
            return 0
        return sum(1 for member in group["members"] if _has_partitions(member["member_assignment"]))

    async def is_abandoned(self, group_id: str) -> bool:
        """Tell whether a group has no member at all, or never had one; while it rebalances it has some."""
        (answer,) = await self._admin.describe_consumer_groups([group_id])
        (group,) = answer.to_object()["groups"]
        return group["state"] in {"Empty", "Dead"}

    async def wait_for_workers(self, count: int, *, deadline: float = 60.0) -> None:
        """Wait until the workers' group is stable and exactly ``count`` members have partitions.

        Raises:
            AssertionError: It was not, up to the deadline in seconds.
        """
        seen: list[int] = []

        async def reached() -> bool:
            seen[:] = [await self.working_members(self.topics.llm_group)]
            return seen == [count]

        try:
            await until(reached, deadline=deadline, what=f"{count} workers in the group", ignoring=(KafkaError,))
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {seen}") from error

    async def lag(self, group_id: str, topic: str) -> int:
        """Return how many records of a topic the group has not committed."""
        committed = await self.committed(group_id, topic)
        ends: dict[TopicPartition, int] = await self._reader.end_offsets(list(committed))
        return sum(ends[partition] - offset for partition, offset in committed.items())

    async def committed(self, group_id: str, topic: str) -> dict[TopicPartition, int]:
        """Return the offset that the group has committed of each partition, 0 where there is none."""
        partitions = await self._partitions(topic)
        committed: dict[TopicPartition, Any] = {}

        async def all_answered() -> bool:
            # The client does not say when the broker refuses, as it does while it loads a group: it answers nothing.
            committed.update(await self._admin.list_consumer_group_offsets(group_id, partitions=partitions))
            return committed.keys() >= set(partitions)

        await until(all_answered, what=f"the offsets of {group_id}")
        # Kafka says -1 where nothing was ever committed.
        return {partition: max(committed[partition].offset, 0) for partition in partitions}

    async def wait_until_committed(self, *, deadline: float = 60.0) -> None:
        """Wait until the workers have committed every record of the interactive lane.

        Raises:
            AssertionError: They had not, up to the deadline in seconds; it says how many were left.
        """
        seen: list[int] = []

        async def reached() -> bool:
            seen[:] = [await self.lag(self.topics.llm_group, self.topics.interactive)]
            return seen == [0]

        try:
            await until(reached, deadline=deadline, what="every record to be committed")
        except AssertionError as error:
            raise AssertionError(f"{error}; records left: {seen}") from error

    async def records(self, topic: str) -> list[ConsumerRecord]:
        """Return every record a topic holds now, partition by partition."""
        partitions = await self._partitions(topic)
        ends: dict[TopicPartition, int] = await self._reader.end_offsets(partitions)
        self._reader.assign(partitions)
        await self._reader.seek_to_beginning(*partitions)
        records: list[ConsumerRecord] = []

        async def read_to_the_end() -> bool:
            for found in (await self._reader.getmany(timeout_ms=_POLL_MS)).values():
                records.extend(found)
            return all([await self._reader.position(partition) >= ends[partition] for partition in partitions])

        await until(read_to_the_end, what=f"the records of {topic}")
        return [record for record in records if record.offset < ends[TopicPartition(topic, record.partition)]]

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        return len(await self._partitions(topic))

    async def tasks(self) -> list[Task]:
        """Return every task of the interactive lane's records, partition by partition; what is no task is left out."""
        tasks = []
        for record in await self.records(self.topics.interactive):
            with suppress(UnreadableRecord, UnknownVersion):
                tasks.append(decode_task(record.value))
        return tasks

    async def write(self, topic: str, values: Sequence[tuple[int, bytes]]) -> None:
        """Append bytes to partitions of a topic, as anything may that can reach the broker."""
        async with create_producer(self._settings, "test-writer", max_record_bytes=8 << 20) as producer:
            for partition, value in values:
                await producer.send_and_wait(topic, value, partition=partition)

    async def write_keyed(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Append a record to the partition of its key; a null value is what compaction takes for a deletion."""
        async with create_producer(self._settings, "test-writer", max_record_bytes=8 << 20) as producer:
            await producer.send_and_wait(topic, value, key=key)

    async def write_unreadable(self, topic: str, partition: int, *, timestamp_ms: int) -> None:
        """Append a record that aiokafka cannot decode."""
        async with create_producer(self._settings, "test-writer", max_record_bytes=8 << 20) as producer:
            await write_unreadable(producer, topic, partition, [None], timestamp_ms=timestamp_ms)

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        (description,) = await self._admin.describe_topics([topic])
        return [TopicPartition(topic, found["partition"]) for found in description["partitions"]]


@asynccontextmanager
async def looking_into_kafka(settings: KafkaSettings) -> AsyncIterator[KafkaView]:
    """Yield a view of the Kafka that the settings name."""
    admin = create_admin(settings, "test-view")
    reader = create_reader(settings, "test-view")
    try:
        await admin.start()
        await reader.start()
        # A new broker makes the topic of groups' offsets when somebody first asks for a group.
        await until(
            lambda: _has_coordinator(admin, f"{settings.topic_prefix}any"),
            what="the broker to know of groups",
            ignoring=(KafkaError,),
        )
        yield KafkaView(settings, admin, reader)
    finally:
        await reader.stop()
        await admin.close()


async def _has_coordinator(admin: AIOKafkaAdminClient, group_id: str) -> bool:
    await admin.find_coordinator(group_id)
    return True


def _has_partitions(assignment: bytes) -> bool:
    # A version of two bytes, then the number of topics as four.
    return int.from_bytes(assignment[2:6]) > 0

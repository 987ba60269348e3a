"""What is in the topics now, read from Kafka itself: no group is joined and nothing is committed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NoError,
    NotCoordinatorForGroupError,
    for_code,
)

_COORDINATOR_RETRY_SECONDS = 0.2

# The client raises NoError for an error of one partition: it looks at the wrong code.
_COORDINATOR_AWAY = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    NoError,
)

_NEWEST_TIMEOUT_MS = 500


@dataclass(frozen=True, slots=True)
class GroupLag:
    """How far a consumer group is behind in one topic: `records` not yet committed, over all partitions.

    `by_partition` is the same for each of them, by its number.
    """

    group: str
    records: int
    members: int
    by_partition: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class PartitionRange:
    """The offsets of a partition: from `begin` up to, and without, `end`."""

    partition: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class NewestRecord:
    """The record written last. `timestamp` is in Unix seconds UTC, `size` is the value's in bytes."""

    partition: int
    offset: int
    timestamp: float
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None

    @classmethod
    def of(cls, record: ConsumerRecord) -> Self:
        """The record as the client has read it."""
        return cls(
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp / 1000,
            key=record.key,
            headers=tuple(record.headers),
            value=record.value,
        )

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return len(self.value or b"")


@dataclass(frozen=True, slots=True)
class TopicReport:
    """One topic. `records` is end minus begin over all partitions: of a compacted topic, at most that many.

    `in_sync` is the smallest number of replicas in sync of any partition.
    """

    name: str
    partitions: int
    replication: int
    in_sync: int
    records: int
    lags: tuple[GroupLag, ...]
    newest: NewestRecord | None
    ranges: tuple[PartitionRange, ...]


async def report_topics(
    admin: AIOKafkaAdminClient,
    reader: AIOKafkaConsumer,
    topics: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    *,
    with_newest: bool = True,
) -> list[TopicReport | None]:
    """Each topic in the order asked, None for one that does not exist; `groups` has the topics of each group.

    Without the newest records nothing but offsets is read.

    Raises:
        KafkaError: A broker refuses, or is out of reach.
    """
    layouts = await _layouts(admin, topics)
    partitions = [
        TopicPartition(topic, number) for topic, layout in layouts.items() for number in range(len(layout.replicas))
    ]
    begins = await reader.beginning_offsets(partitions) if partitions else {}
    ends = await reader.end_offsets(partitions) if partitions else {}
    newest = await _newest_records(reader, begins, ends) if with_newest else {}
    lags = {group: await _lags(admin, group, of, begins, ends) for group, of in groups.items()}
    return [
        None
        if topic not in layouts
        else TopicReport(
            name=topic,
            partitions=len(layouts[topic].replicas),
            replication=min(layouts[topic].replicas),
            in_sync=min(layouts[topic].in_sync),
            records=sum(ends[tp] - begins[tp] for tp in partitions if tp.topic == topic),
            lags=tuple(by_topic[topic] for by_topic in lags.values() if topic in by_topic),
            newest=newest.get(topic),
            ranges=tuple(PartitionRange(tp.partition, begins[tp], ends[tp]) for tp in partitions if tp.topic == topic),
        )
        for topic in topics
    ]


@dataclass(frozen=True, slots=True)
class _Layout:
    replicas: list[int]
    in_sync: list[int]


async def _layouts(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> dict[str, _Layout]:
    existing = set(await admin.list_topics())
    wanted = [topic for topic in topics if topic in existing]
    if not wanted:
        return {}
    layouts = {}
    for topic in await admin.describe_topics(wanted):
        # Deleted since it was listed.
        if not topic["partitions"]:
            continue
        layouts[topic["topic"]] = _Layout(
            replicas=[len(partition["replicas"]) for partition in topic["partitions"]],
            in_sync=[len(partition["isr"]) for partition in topic["partitions"]],
        )
    return layouts


async def _newest_records(
    reader: AIOKafkaConsumer, begins: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[str, NewestRecord]:
    """The last record of each partition is read, and of each topic's the youngest is taken."""
    waiting = {tp for tp, end in ends.items() if end > begins[tp]}
    if not waiting:
        return {}
    reader.assign(waiting)
    for tp in waiting:
        reader.seek(tp, ends[tp] - 1)
    newest: dict[str, NewestRecord] = {}
    while waiting:
        batches = await reader.getmany(*waiting, timeout_ms=_NEWEST_TIMEOUT_MS)
        # At the end of a partition may stand a marker that is no record: then it has no newest to show.
        waiting -= {tp for tp in waiting if await reader.position(tp) >= ends[tp]}
        for record in (records[-1] for records in batches.values() if records):
            seen = newest.get(record.topic)
            if seen is None or record.timestamp / 1000 >= seen.timestamp:
                newest[record.topic] = NewestRecord.of(record)
    return newest


async def _lags(
    admin: AIOKafkaAdminClient,
    group: str,
    topics: Sequence[str],
    begins: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> dict[str, GroupLag]:
    partitions = [tp for tp in ends if tp.topic in topics]
    if not partitions:
        return {}
    state = await _group_state(admin, group, partitions)
    while state is None:
        # The caller bounds the whole.
        await asyncio.sleep(_COORDINATOR_RETRY_SECONDS)
        state = await _group_state(admin, group, partitions)
    lags: dict[str, dict[int, int]] = {}
    for tp in partitions:
        # Nothing committed is -1: the group begins at the beginning. It may commit more while we look.
        behind = max(ends[tp] - max(state.committed[tp], begins[tp]), 0)
        lags.setdefault(tp.topic, {})[tp.partition] = behind
    return {topic: GroupLag(group, sum(behind.values()), state.members, behind) for topic, behind in lags.items()}


@dataclass(frozen=True, slots=True)
class _GroupState:
    members: int
    committed: dict[TopicPartition, int]


async def _group_state(admin: AIOKafkaAdminClient, group: str, partitions: list[TopicPartition]) -> _GroupState | None:
    """None while the group has no coordinator that answers: a broker makes its topic of groups when first asked."""
    try:
        coordinator = await admin.find_coordinator(group)
        (described,) = await admin.describe_consumer_groups([group], coordinator)
        ((code, _group, _state, _type, _protocol, members, *_rest),) = described.groups
        if code:
            raise for_code(code)(f"cannot describe group {group}")
        offsets = await admin.list_consumer_group_offsets(group, coordinator, partitions)
    except _COORDINATOR_AWAY:
        return None
    # An error of the whole group comes as an answer without its partitions.
    if not offsets.keys() >= set(partitions):
        return None
    return _GroupState(len(members), {tp: offsets[tp].offset for tp in partitions})

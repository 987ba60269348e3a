"""`promptmill topics tail`: a topic's newest records, and each new one as it is written."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from rich.console import Console

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.json_lines import write_json_lines
from cli.topics.kafka import FoundKafka, connected, find_kafka, reaching
from cli.topics.names import TailedTopic
from cli.topics.view import record_as_json, show_record
from common.partition_log import is_of_kafka, read_on
from common.topic_report import NewestRecord
from common.topics import TopicNames

_POLL_MS = 500
_RECORDS_PER_POLL = 100
# Where the client cannot decode what it got, each partition is read by itself.
_APART_MS, _APART_RECORDS = 50, 20


def tail_topic(
    topic: TailedTopic,
    environ: Mapping[str, str],
    folder: Path,
    *,
    last: int,
    follow: bool,
    content: bool,
    as_json: bool,
) -> ExitCode:
    """Write the newest `last` records, oldest first, then each further one until Ctrl-C; or only those.

    Raises:
        CommandError: The settings are wrong, there is no such topic, or Kafka does not answer.
    """
    found = find_kafka(environ, folder)
    print(f"Kafka {found.address.value} ({found.address.source})", file=sys.stderr)
    output = Console(highlight=False)

    def write(record: NewestRecord) -> None:
        if as_json:
            write_json_lines(sys.stdout, [record_as_json(record, with_value=content)])
        else:
            show_record(output, record, with_value=content)

    try:
        with reaching(found.address):
            asyncio.run(_tail(found, _name(topic, TopicNames(found.kafka.topic_prefix)), write, last, follow=follow))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def _name(topic: TailedTopic, topics: TopicNames) -> str:
    return {
        TailedTopic.INTERACTIVE: topics.interactive,
        TailedTopic.BATCH: topics.batch,
        TailedTopic.RESULTS: topics.results,
        TailedTopic.DEAD_LETTERS: topics.dead_letters,
    }[topic]


async def _tail(
    found: FoundKafka, topic: str, write: Callable[[NewestRecord], None], last: int, *, follow: bool
) -> None:
    async with connected(found) as (admin, reader):
        if topic not in await admin.list_topics():
            raise CommandError(f"{topic} is not there yet: a service makes it when it starts", ExitCode.NOT_COMPLETED)
        [described] = await admin.describe_topics([topic])
        keys = [TopicPartition(topic, number) for number in range(len(described["partitions"]))]
        begins, ends = await reader.beginning_offsets(keys), await reader.end_offsets(keys)
        positions = {key: max(begins[key], ends[key] - last) for key in keys}
        reader.assign(keys)
        for key in keys:
            reader.seek(key, positions[key])
        records = _Reading(reader, positions)
        newest: list[ConsumerRecord] = []
        while any(positions[key] < ends[key] for key in keys):
            newest = _newest([*newest, *await records.some()], last)
        for record in newest:
            write(NewestRecord.of(record))
        while follow:
            for record in await records.some():
                write(NewestRecord.of(record))


def _newest(records: list[ConsumerRecord], count: int) -> list[ConsumerRecord]:
    """The `count` written last, oldest first."""
    records.sort(key=lambda record: (record.timestamp, record.partition, record.offset))
    return records[len(records) - min(count, len(records)) :]


class _Reading:
    """Reads on in all partitions; `positions` has where each goes on."""

    def __init__(self, reader: AIOKafkaConsumer, positions: dict[TopicPartition, int]) -> None:
        self._reader = reader
        self._positions = positions

    async def some(self) -> list[ConsumerRecord]:
        """Records that came in a moment, of each partition in order."""
        try:
            found = await self._reader.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS_PER_POLL)
        except Exception as error:
            if is_of_kafka(error):
                raise
            # What the failed poll had taken is lost to the client.
            for key, position in self._positions.items():
                self._reader.seek(key, position)
            return [record async for record in self._apart()]
        for key in self._positions:
            self._positions[key] = await self._reader.position(key)
        return [record for records in found.values() for record in records]

    async def _apart(self) -> AsyncIterator[ConsumerRecord]:
        for key, position in self._positions.items():
            read = await read_on(self._reader, key, position, timeout_ms=_APART_MS, max_records=_APART_RECORDS)
            self._positions[key] = read.position
            if read.skipped:
                print(f"partition {key.partition}, offset {position}: a record that cannot be read", file=sys.stderr)
            for record in read.records:
                yield record

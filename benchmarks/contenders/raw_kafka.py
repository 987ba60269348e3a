"""`python -m benchmarks.contenders.raw_kafka {…}`: the records of the same requests by aiokafka's `send` and a gather.

The floor under bulk ingest: no HTTP, no ids, no store. It measures itself and prints the sample as JSON.
"""

import asyncio
import itertools
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from random import Random

import uvloop
from aiokafka import AIOKafkaProducer

from benchmarks.prompts import MODEL, messages, prompt
from common.connections import create_producer
from common.settings import KafkaSettings
from common.store.idempotency import Stamp
from common.task import Lane, new_task_id
from common.topics import MAX_TASK_RECORD_BYTES, TopicNames
from producer_api.batch import Prompt, Terms, prepare_batch
from producer_api.outgoing import OutgoingRecord
from producer_api.partitioning import PartitionCursor

_DIFFERENT = 20
_WARM_UP = 5
_DAY_SECONDS = 24 * 3600


async def run(*, kafka: str, prompts_a_request: int, requests: int, at_once: int) -> dict[str, float]:
    """Write the records of so many requests, so many at once, and return the sample."""
    settings = KafkaSettings(bootstrap_servers=kafka, replication_factor=1, min_insync_replicas=1)
    topic = TopicNames(settings.topic_prefix).tasks(Lane.INTERACTIVE)
    batches = [_records(number, prompts_a_request) for number in range(_DIFFERENT)]
    producer = create_producer(settings, "raw-kafka", max_record_bytes=MAX_TASK_RECORD_BYTES)
    await producer.start()
    try:
        cursor = PartitionCursor(Random(1).randrange(settings.task_partitions))  # noqa: S311 - no secret
        partitions = len(await producer.partitions_for(topic))

        async def write(turns: Iterator[Sequence[OutgoingRecord]]) -> None:
            for records in turns:
                await _write(producer, topic, records, cursor.take(len(records), partitions=partitions))

        async def write_all(count: int) -> None:
            turns = itertools.islice(itertools.cycle(batches), count)
            await asyncio.gather(*(write(turns) for _ in range(at_once)))

        await write_all(_WARM_UP)
        began_at, used_before = time.perf_counter(), _used_seconds()
        await write_all(requests)
        seconds, used = time.perf_counter() - began_at, _used_seconds() - used_before
    finally:
        await producer.stop()
    return {"items": requests * prompts_a_request, "seconds": seconds, "cpu_seconds": used}


def _records(number: int, count: int) -> Sequence[OutgoingRecord]:
    prompts = [
        Prompt({"model": MODEL, "messages": messages(prompt(number * count + index))}, {}) for index in range(count)
    ]
    terms = Terms(tenant="local", lane=Lane.INTERACTIVE, expires_in_seconds=_DAY_SECONDS)
    now = time.time()
    stamp = Stamp([new_task_id() for _ in prompts], now, now + _DAY_SECONDS)
    return prepare_batch(prompts, terms, stamp, max_prompt_bytes=MAX_TASK_RECORD_BYTES).records


async def _write(
    producer: AIOKafkaProducer, topic: str, records: Sequence[OutgoingRecord], partitions: Sequence[int]
) -> None:
    futures = [
        await producer.send(topic, record.value, key=record.key, partition=partition, headers=record.headers)
        for record, partition in zip(records, partitions, strict=True)
    ]
    await asyncio.gather(*futures)


def _used_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(**json.loads(sys.argv[1])))))

"""A topic of one run with a record for each prompt, for peers that read plain Kafka."""

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.peers.terms import PARTITIONS, Terms
from benchmarks.prompts import prompt

_LEADERS_WITHIN_SECONDS = 30


async def create_topic(terms: Terms) -> None:
    """Make the topic and wait until every partition has a leader."""
    admin = AIOKafkaAdminClient(bootstrap_servers=terms.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name=terms.name, num_partitions=PARTITIONS, replication_factor=1)])
        async with asyncio.timeout(_LEADERS_WITHIN_SECONDS):
            while not await _led(admin, terms.name):  # noqa: ASYNC110 - it is elsewhere
                await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def _led(admin: AIOKafkaAdminClient, topic: str) -> bool:
    [described] = await admin.describe_topics([topic])
    partitions = described["partitions"]
    return len(partitions) == PARTITIONS and all(partition["leader"] >= 0 for partition in partitions)


async def fill(terms: Terms) -> None:
    """Make the topic and write the prompts as they are."""
    await create_topic(terms)
    producer = AIOKafkaProducer(bootstrap_servers=terms.kafka, acks="all", linger_ms=2, max_batch_size=900_000)
    await producer.start()
    try:
        sent = [
            await producer.send(terms.name, prompt(number).encode(), partition=number % PARTITIONS)
            for number in range(terms.tasks)
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()

"""`python -m benchmarks.contenders.kafka_hop {…}`: one record at a time from a producer to a consumer of aiokafka.

The floor under the way from a request to a call. It prints the milliseconds of each hop as JSON.
"""

import asyncio
import json
import sys
import time

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.prompts import prompt


async def run(*, kafka: str, topic: str, hops: int) -> list[float]:
    """Send a record, wait until it is read, and so on; nothing is held back to fill a batch."""
    place = TopicPartition(topic, 0)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=0)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await asyncio.gather(producer.start(), consumer.start())
    try:
        consumer.assign([place])
        await consumer.seek_to_end(place)
        await consumer.position(place)
        taken = []
        for number in range(hops):
            sent_at = time.perf_counter()
            await producer.send(topic, prompt(number).encode(), partition=0)
            await consumer.getone()
            taken.append(1000 * (time.perf_counter() - sent_at))
    finally:
        await asyncio.gather(producer.stop(), consumer.stop())
    return taken


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(**json.loads(sys.argv[1])))))

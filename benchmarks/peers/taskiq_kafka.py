"""taskiq on Kafka, by taskiq-aio-kafka; no result backend."""

import asyncio
from typing import Any

from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.partitioner import DefaultPartitioner
from taskiq.api import run_receiver_task
from taskiq_aio_kafka import AioKafkaBroker

from benchmarks.peers.kafka_topic import create_topic
from benchmarks.peers.terms import Terms, call, model_client
from benchmarks.prompts import prompt

_KICKS_AT_ONCE = 200


def _broker(terms: Terms) -> Any:
    broker = AioKafkaBroker(bootstrap_servers=terms.kafka, kafka_topic=terms.name)
    # Its own defaults for both are kafka-python's, which from version 3 on do not fit aiokafka.
    broker.configure_producer(partitioner=DefaultPartitioner())
    broker.configure_consumer(
        group_id=terms.name,
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
    )
    return broker


async def fill(terms: Terms) -> None:
    """Kick a task for each prompt."""
    await create_topic(terms)
    broker = _broker(terms)

    async def answer(text: str) -> None:
        """Runs in the worker."""

    kicked = broker.register_task(answer, task_name="answer")
    await broker.startup()
    try:
        for start in range(0, terms.tasks, _KICKS_AT_ONCE):
            numbers = range(start, min(start + _KICKS_AT_ONCE, terms.tasks))
            await asyncio.gather(*(kicked.kiq(prompt(number)) for number in numbers))
    finally:
        await broker.shutdown()


async def work(terms: Terms) -> None:
    """Run until ended."""
    broker = _broker(terms)
    async with model_client(terms) as client:

        async def answer(text: str) -> Any:
            return await call(client, text)

        broker.register_task(answer, task_name="answer")
        await run_receiver_task(broker, max_async_tasks=terms.concurrency, run_startup=True)

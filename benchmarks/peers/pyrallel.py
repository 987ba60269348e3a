"""Pyrallel Consumer: records in any order, contiguous commits."""

import asyncio
from typing import Any

from pyrallel_consumer import (
    ExecutionConfig,
    KafkaConfig,
    OrderingMode,
    ParallelConsumerConfig,
    PyrallelConsumer,
)

from benchmarks.peers.kafka_topic import fill
from benchmarks.peers.terms import Terms, call, model_client

__all__ = ["fill", "work"]


async def work(terms: Terms) -> None:
    """Run until ended."""
    async with model_client(terms) as client:

        async def answer(item: Any) -> None:
            await call(client, item.payload.decode())

        config = KafkaConfig(
            BOOTSTRAP_SERVERS=terms.kafka,
            CONSUMER_GROUP=terms.name,
            parallel_consumer=ParallelConsumerConfig(
                ordering_mode=OrderingMode.UNORDERED, execution=ExecutionConfig(max_in_flight=terms.concurrency)
            ),
        )
        await PyrallelConsumer(config, answer, terms.name).start()
        await asyncio.Event().wait()

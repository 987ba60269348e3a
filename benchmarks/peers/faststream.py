"""FastStream on Kafka: a subscriber with as many workers as there are slots."""

from faststream import FastStream
from faststream.kafka import KafkaBroker

from benchmarks.peers.kafka_topic import fill
from benchmarks.peers.terms import Terms, call, model_client

__all__ = ["fill", "work"]


async def work(terms: Terms) -> None:
    """Run until ended."""
    broker = KafkaBroker(terms.kafka)
    async with model_client(terms) as client:

        async def answer(text: str) -> None:
            await call(client, text)

        subscriber = broker.subscriber(
            terms.name, group_id=terms.name, auto_offset_reset="earliest", max_workers=terms.concurrency
        )
        subscriber(answer)
        await FastStream(broker).run()

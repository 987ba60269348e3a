"""SAQ on Redis; it keeps results for ten minutes."""

from typing import Any

from saq import Queue, Worker

from benchmarks.peers.terms import Terms, call, model_client
from benchmarks.prompts import prompt


async def fill(terms: Terms) -> None:
    """Enqueue a job for each prompt."""
    queue = Queue.from_url(terms.redis, name=terms.name)
    await queue.connect()
    for number in range(terms.tasks):
        await queue.enqueue("answer", text=prompt(number))
    await queue.disconnect()


async def work(terms: Terms) -> None:
    """Run until ended."""
    queue = Queue.from_url(terms.redis, name=terms.name)
    await queue.connect()
    async with model_client(terms) as client:

        async def answer(_context: Any, *, text: str) -> Any:
            return await call(client, text)

        worker = Worker(queue, functions=[("answer", answer)], concurrency=terms.concurrency)
        await worker.start()

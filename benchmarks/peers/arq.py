"""arq on Redis; it keeps results for an hour."""

from typing import Any

from arq import Worker, create_pool
from arq.connections import RedisSettings
from arq.worker import func

from benchmarks.peers.terms import Terms, call, model_client
from benchmarks.prompts import prompt


async def fill(terms: Terms) -> None:
    """Enqueue a job for each prompt."""
    pool = await create_pool(RedisSettings.from_dsn(terms.redis), default_queue_name=terms.name)
    for number in range(terms.tasks):
        await pool.enqueue_job("answer", prompt(number))
    await pool.aclose()


async def work(terms: Terms) -> None:
    """Run until ended."""
    async with model_client(terms) as client:

        async def answer(_context: dict[Any, Any], text: str) -> Any:
            return await call(client, text)

        worker = Worker(
            [func(answer, name="answer")],
            queue_name=terms.name,
            redis_settings=RedisSettings.from_dsn(terms.redis),
            max_jobs=terms.concurrency,
            handle_signals=False,
        )
        await worker.main()

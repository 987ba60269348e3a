"""`python -m benchmarks.contenders.naked_loop {…}`: an asyncio.Queue and the SDK's `create()`; nothing is kept."""

import asyncio
import json
import sys
from typing import Any

import uvloop
from openai import AsyncOpenAI, DefaultAioHttpClient, DefaultAsyncHttpxClient

from benchmarks.prompts import MODEL, messages, prompt


async def run(*, base_url: str, transport: str, concurrency: int, tasks: int, streamed: bool = False) -> None:
    """Call the model once for each task; `transport` is default or aiohttp."""
    queue: asyncio.Queue[list[Any]] = asyncio.Queue()
    for number in range(tasks):
        queue.put_nowait(messages(prompt(number)))
    http_client = DefaultAioHttpClient() if transport == "aiohttp" else DefaultAsyncHttpxClient()
    async with AsyncOpenAI(base_url=base_url, api_key="bench", max_retries=0, http_client=http_client) as client:

        async def work() -> None:
            while not queue.empty():
                asked = queue.get_nowait()
                if streamed:
                    async with await client.chat.completions.create(model=MODEL, messages=asked, stream=True) as pieces:
                        async for _ in pieces:
                            pass
                else:
                    await client.chat.completions.create(model=MODEL, messages=asked)

        await asyncio.gather(*(work() for _ in range(concurrency)))


def main() -> None:
    """Run as the first argument says, in JSON."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    uvloop.run(run(**given))


if __name__ == "__main__":
    main()

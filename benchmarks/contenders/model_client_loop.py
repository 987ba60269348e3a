"""`python -m benchmarks.contenders.model_client_loop {…}`: our call of the model, with nothing of ours around it."""

import asyncio
import json
import sys

import uvloop
from pydantic import SecretStr

from benchmarks.prompts import MODEL, messages, prompt
from common.task import CHAT_COMPLETIONS
from consumer.llm.model_client import ModelClient
from consumer.llm.model_server import create_model_server
from consumer.settings import LlmSettings

_CALL_SECONDS = 60.0
_MAX_ANSWER_BYTES = 1_000_000


async def run(*, base_url: str, concurrency: int, tasks: int) -> None:
    """Call the model once for each task."""
    settings = LlmSettings(base_url=base_url, api_key=SecretStr("bench"), model=MODEL)
    server = create_model_server(settings, concurrency=concurrency)
    client = ModelClient(server, default_model=MODEL, max_answer_bytes=_MAX_ANSWER_BYTES)
    numbers = iter(range(tasks))

    async def work() -> None:
        for number in numbers:
            body = {"model": MODEL, "messages": messages(prompt(number))}
            await client.call(CHAT_COMPLETIONS, body, deadline_seconds=_CALL_SECONDS)

    try:
        await asyncio.gather(*(work() for _ in range(concurrency)))
    finally:
        await server.close()


if __name__ == "__main__":
    uvloop.run(run(**json.loads(sys.argv[1])))

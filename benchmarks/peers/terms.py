"""What each peer is given, and the call that all of them make."""

from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI, DefaultAioHttpClient

from benchmarks.prompts import MODEL, messages

PARTITIONS = 24


@dataclass(frozen=True, slots=True)
class Terms:
    """Where everything is, and how much of it.

    `name` is that of this run's topic, group or queue; none had it before.
    """

    base_url: str
    kafka: str
    redis: str
    name: str
    concurrency: int
    tasks: int


def model_client(terms: Terms) -> AsyncOpenAI:
    """Return the SDK's client on its faster transport."""
    return AsyncOpenAI(
        base_url=terms.base_url, api_key="bench", max_retries=0, http_client=DefaultAioHttpClient(), timeout=60
    )


async def call(client: AsyncOpenAI, text: str) -> Any:
    """Call the model and return the answer's text."""
    completion = await client.chat.completions.create(model=MODEL, messages=messages(text))
    return completion.choices[0].message.content

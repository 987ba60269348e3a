"""What a client of background Responses by somebody else gets; prints it as JSON. Run by tests, with a base URL."""

import asyncio
import json
import sys
from importlib.metadata import version
from typing import Any

from autobatcher import BatchOpenAI  # type: ignore[import-not-found]  # in the older client's environment


async def main(base_url: str) -> None:
    client: Any = BatchOpenAI(base_url=base_url, api_key="any", poll_interval_seconds=0.05)
    chats = [
        client.chat.completions.create(
            model="fake-model",
            messages=[{"role": "system", "content": "be brief"}, {"role": "user", "content": f"chat {number}"}],
            max_tokens=50,
            seed=7,
        )
        for number in range(10)
    ]
    completions = await asyncio.gather(*chats)
    response = await client.responses.create(model="fake-model", input="a response")
    failure = None
    try:
        await client.responses.create(model="fake-model", input="[[status=400]] batched")
    except RuntimeError as error:
        failure = str(error)
    await client.close()
    seen = {
        "version": version("autobatcher"),
        "chats": [completion.choices[0].message.content for completion in completions],
        "finish_reasons": sorted({completion.choices[0].finish_reason for completion in completions}),
        "tokens": sorted({completion.usage.total_tokens for completion in completions}),
        "response": response.output_text,
        "failure": failure,
    }
    print(json.dumps(seen))  # noqa: T201  what the test reads


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

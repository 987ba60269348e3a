"""`python -m benchmarks.contenders.bare_calls {…}`: the same calls by a bare protocol, the floor under every client."""

import itertools
import json
import sys

import uvloop

from benchmarks.http_load import load, request_bytes
from benchmarks.prompts import MODEL, messages, prompt

_DIFFERENT = 500


async def run(*, port: int, concurrency: int, tasks: int) -> None:
    """Call the model once for each task; the requests are made beforehand."""
    bodies = [json.dumps({"model": MODEL, "messages": messages(prompt(number))}) for number in range(_DIFFERENT)]
    requests = [request_bytes("POST", "/v1/chat/completions", body.encode()) for body in bodies]
    await load(port, itertools.islice(itertools.cycle(requests), tasks), connections=concurrency, expect=200)


if __name__ == "__main__":
    uvloop.run(run(**json.loads(sys.argv[1])))

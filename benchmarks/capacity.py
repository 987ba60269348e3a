"""How many calls the model could answer: it must never be what limits a contender."""

import itertools

import orjson

from benchmarks.deployment import Deployment
from benchmarks.http_load import load, request_bytes
from benchmarks.prompts import MODEL, messages, prompt

_CALLS = 20_000
_AT_ONCE = 64
_OK = 200


async def model_capacity(deployment: Deployment, calls: int = _CALLS) -> float:
    """Return the calls a second that the model answers at once, this process sending them.

    Both ends share the machine, so that the model alone could do more.
    """
    await deployment.model.plan(latency=0.0)
    body = orjson.dumps({"model": MODEL, "messages": messages(prompt(1))})
    requests = itertools.repeat(request_bytes("POST", "/v1/chat/completions", body), calls)
    result = await load(deployment.model.port, requests, connections=_AT_ONCE, expect=_OK)
    return calls / result.seconds

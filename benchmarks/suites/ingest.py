"""Prompts into the API, in bulk and one by one, against Kafka's client alone and against a route that does nothing."""

import itertools
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import orjson

from benchmarks.cpu_clock import cpu_seconds
from benchmarks.deployment import ApiHandle, Deployment
from benchmarks.http_load import load, request_bytes
from benchmarks.programs import module_child
from benchmarks.prompts import prompt
from benchmarks.sample import Sample
from cli.stack.child import running

OURS = "Promptmill"
NO_OP = "a route that does nothing"
RAW_KAFKA = "aiokafka alone"
_DIFFERENT_BYTES = 16_000_000
_PROMPT_BYTES = 640
_WARM_UP_SHARE = 10
_ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class IngestCase:
    """Prompts in a request, requests in all, requests at once."""

    prompts_a_request: int
    requests: int
    at_once: int


def contenders(
    case: IngestCase, deployment: Deployment, api: ApiHandle, no_op: ApiHandle
) -> dict[str, Callable[[], Awaitable[Sample]]]:
    """Return what measures each contender, by its name."""
    bodies = _bodies(case)
    measured: dict[str, Callable[[], Awaitable[Sample]]] = {
        OURS: partial(_posted, case, api, "/v1/tasks", bodies),
        NO_OP: partial(_posted, case, no_op, "/nothing", bodies),
    }
    if case.prompts_a_request > 1:
        measured[RAW_KAFKA] = partial(_raw_kafka, case, deployment)
    return measured


def _bodies(case: IngestCase) -> list[bytes]:
    """As many different requests as memory is no matter for."""
    size = case.prompts_a_request
    count = min(case.requests, max(1, _DIFFERENT_BYTES // (size * _PROMPT_BYTES)))
    return [
        orjson.dumps({"prompts": [prompt(number * size + index) for index in range(size)]}) for number in range(count)
    ]


async def _posted(case: IngestCase, server: ApiHandle, path: str, bodies: list[bytes]) -> Sample:
    requests = [request_bytes("POST", path, body) for body in bodies]
    warm_up = max(case.at_once, case.requests // _WARM_UP_SHARE)
    await load(
        server.port, itertools.islice(itertools.cycle(requests), warm_up), connections=case.at_once, expect=_ACCEPTED
    )
    print(f"     process {server.pid}")
    began_at, cpu_before = time.perf_counter(), cpu_seconds(server.pid)
    turns = itertools.islice(itertools.cycle(requests), case.requests)
    await load(server.port, turns, connections=case.at_once, expect=_ACCEPTED)
    used, seconds = cpu_seconds(server.pid) - cpu_before, time.perf_counter() - began_at
    return Sample(case.requests * case.prompts_a_request, seconds, used)


async def _raw_kafka(case: IngestCase, deployment: Deployment) -> Sample:
    given = {
        "kafka": deployment.kafka,
        "prompts_a_request": case.prompts_a_request,
        "requests": case.requests,
        "at_once": case.at_once,
    }
    log = deployment.logs / "raw_kafka.log"
    log.unlink(missing_ok=True)
    child = module_child("raw_kafka", "benchmarks.contenders.raw_kafka", json.dumps(given), log=log, env=os.environ)
    async with running([child]) as [process]:
        await process.wait()
    return Sample(**json.loads(log.read_text("utf-8").splitlines()[-1]))

"""Prompts into the API, in bulk and one by one, against Kafka's client alone and against a route that does nothing."""

import itertools
from functools import partial

import orjson

from benchmarks.deployment import ApiHandle, Deployment, running_no_op_api
from benchmarks.http_load import load, request_bytes
from benchmarks.measuring import Contenders, told_rounds
from benchmarks.programs import report_of
from benchmarks.prompts import prompt
from benchmarks.row import Row, sample_rows
from benchmarks.sample import Sample, sampled_while
from benchmarks.setting import OURS, Setting
from benchmarks.sizes import IngestCase

NO_OP = "a route that does nothing"
RAW_KAFKA = "aiokafka alone"
_DIFFERENT_BYTES = 16_000_000
_PROMPT_BYTES = 640
_WARM_UP_SHARE = 10
_ACCEPTED = 202


async def measure(setting: Setting) -> list[Row]:
    """Measure every case."""
    rows: list[Row] = []
    async with setting.deployment.api() as api, running_no_op_api(setting.deployment) as no_op:
        for case in setting.sizes.ingest:
            setting.tell(f"ingest: {case.name}")
            found = contenders(case, setting.deployment, api, no_op)
            rows += sample_rows(case.name, await told_rounds(found, setting.sizes.rounds, setting.tell))
    return rows


def contenders(case: IngestCase, deployment: Deployment, api: ApiHandle, no_op: ApiHandle) -> Contenders:
    """Return what measures each contender, by its name."""
    bodies = _bodies(case)
    found: Contenders = {
        OURS: partial(_posted, case, api, "/v1/tasks", bodies),
        NO_OP: partial(_posted, case, no_op, "/nothing", bodies),
    }
    if case.prompts_a_request > 1:
        found[RAW_KAFKA] = partial(_raw_kafka, case, deployment)
    return found


def _bodies(case: IngestCase) -> list[bytes]:
    """As many different requests as memory is no matter for."""
    size = case.prompts_a_request
    count = min(case.requests, max(1, _DIFFERENT_BYTES // (size * _PROMPT_BYTES)))
    return [
        orjson.dumps({"prompts": [prompt(number * size + index) for index in range(size)]}) for number in range(count)
    ]


async def _posted(case: IngestCase, server: ApiHandle, path: str, bodies: list[bytes]) -> Sample:
    requests = itertools.cycle([request_bytes("POST", path, body) for body in bodies])

    async def post(count: int) -> None:
        await load(server.port, itertools.islice(requests, count), connections=case.at_once, expect=_ACCEPTED)

    await post(max(case.at_once, case.requests // _WARM_UP_SHARE))
    return await sampled_while(post(case.requests), server.pid, case.requests * case.prompts_a_request)


async def _raw_kafka(case: IngestCase, deployment: Deployment) -> Sample:
    given = {
        "kafka": deployment.kafka,
        "prompts_a_request": case.prompts_a_request,
        "requests": case.requests,
        "at_once": case.at_once,
    }
    return Sample(**await report_of(deployment.contender("raw_kafka", given)))

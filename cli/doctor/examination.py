"""All checks together: what is looked at, at the same time, and what follows from it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from cli.addresses import ApiAddress
from cli.api.operator import bearer
from cli.doctor.api import ApiSeen, judge_api, judge_workers, look_at_api
from cli.doctor.clocks import FAILURE_SECONDS, Clock, judge_clocks
from cli.doctor.disk import judge_disk, look_at_disk
from cli.doctor.finding import Check, Finding, Level, Unanswered, not_looked_at
from cli.doctor.kafka import KafkaSeen, judge_group, judge_kafka, judge_topics, look_at_kafka
from cli.doctor.model import judge_model, look_at_model
from cli.doctor.redis import RedisSeen, judge_redis, look_at_redis
from cli.doctor.settings import judge_settings
from cli.doctor.surroundings import Surroundings
from cli.doctor.versions import judge_versions
from common.topics import topic_specs
from consumer.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """What a doctor is asked to look at; `seconds` bounds each look."""

    surroundings: Surroundings
    api: ApiAddress
    data_dir: Path
    least_gib: float
    own_version: str
    seconds: float


async def examine(asked: Asked) -> list[Finding]:
    """Look at everything and return the findings, in the order of `Check`."""
    settings = asked.surroundings.worker
    async with aiohttp.ClientSession() as session:
        if settings is None:
            api = await look_at_api(asked.api, _operator_headers(asked), session, seconds=asked.seconds)
            findings = [
                not_looked_at(check, Check.SETTINGS) for check in (Check.KAFKA, Check.TOPICS, Check.REDIS, Check.MODEL)
            ]
            findings += [*judge_api(api, asked.api), *judge_workers(api), *judge_clocks(_clocks(api, None), ())]
        else:
            findings, api = await _look_around(settings, asked, session)
    workers = api.workers if isinstance(api, ApiSeen) else None
    version = api.version if isinstance(api, ApiSeen) else None
    findings += judge_settings(asked.surroundings.faults, of_stack=asked.surroundings.of_stack)
    findings += judge_versions(asked.own_version, version, workers or ())
    findings += judge_disk(look_at_disk(asked.data_dir), least_gib=asked.least_gib)
    order = list(Check)
    return sorted(findings, key=lambda finding: order.index(finding.check))


async def _look_around(
    settings: Settings, asked: Asked, session: aiohttp.ClientSession
) -> tuple[list[Finding], ApiSeen | Unanswered]:
    specs = topic_specs(settings.kafka, settings.tasks)
    kafka, redis, model, api = await asyncio.gather(
        look_at_kafka(settings.kafka, specs, seconds=asked.seconds, skew_seconds=FAILURE_SECONDS),
        look_at_redis(settings.redis, seconds=asked.seconds),
        look_at_model(settings.llm, session, seconds=asked.seconds),
        look_at_api(asked.api, _operator_headers(asked), session, seconds=asked.seconds),
    )
    findings = [
        *judge_kafka(kafka, settings.kafka),
        *judge_topics(kafka, specs),
        *judge_redis(redis),
        *judge_model(model, settings.llm),
        *judge_api(api, asked.api),
        *_of_workers(kafka, api),
        *judge_clocks(_clocks(api, redis), kafka.ahead if isinstance(kafka, KafkaSeen) else ()),
    ]
    return findings, api


def _of_workers(kafka: KafkaSeen | Unanswered, api: ApiSeen | Unanswered) -> list[Finding]:
    """What the API knows of them; what Kafka knows of their group where that is worse, or the API cannot be asked."""
    of_api, of_group = judge_workers(api), judge_group(kafka)
    if isinstance(api, ApiSeen) and api.workers is not None:
        return of_api + [finding for finding in of_group if finding.level is Level.FAILURE]
    return of_group if isinstance(kafka, KafkaSeen) else of_api


def _clocks(api: ApiSeen | Unanswered, redis: RedisSeen | Unanswered | None) -> list[Clock]:
    clocks = []
    if isinstance(redis, RedisSeen):
        clocks.append(Clock("Redis", redis.ahead_seconds, redis.within_seconds))
    if isinstance(api, ApiSeen) and api.ahead_seconds is not None:
        clocks.append(Clock("the API", api.ahead_seconds, api.within_seconds))
    return clocks


def _operator_headers(asked: Asked) -> dict[str, str]:
    if asked.api.profile is not None:
        return bearer(asked.api.operator_token)
    settings = asked.surroundings.api
    token = None if settings is None else settings.api.operator_token
    return bearer(None if token is None else token.get_secret_value())

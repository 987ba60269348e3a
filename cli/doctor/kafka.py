"""Kafka, its topics, and the group of the workers."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from cli.doctor.finding import Check, Finding, Unanswered, failure, not_looked_at, ok, warning
from cli.topics.kafka import reason_of
from common.connections import create_admin, create_reader, stop_reader
from common.setting_names import variable_name
from common.settings import KafkaSettings
from common.topic_report import TopicReport, report_topics
from common.topics import TopicNames, TopicSpec, TopicState, differences, topic_states

_CLIENT_ID = "promptmill-doctor"
_SERVERS = variable_name("kafka", "bootstrap_servers")


@dataclass(frozen=True, slots=True)
class KafkaSeen:
    """What Kafka says; a topic that does not exist is None.

    `ahead` are topics that have a record of a time so far from now that a writer's clock, or ours, is wrong.
    """

    brokers: int
    states: Mapping[str, TopicState | None]
    reports: Mapping[str, TopicReport | None]
    ahead: Sequence[str] = ()


async def look_at_kafka(
    kafka: KafkaSettings, specs: Sequence[TopicSpec], *, seconds: float, skew_seconds: float
) -> KafkaSeen | Unanswered:
    """Ask the brokers, at most so long; `skew_seconds` is how far in the future a record may be."""
    names = TopicNames(kafka.topic_prefix)
    quick = kafka.model_copy(update={"request_timeout_seconds": min(kafka.request_timeout_seconds, seconds)})
    try:
        async with asyncio.timeout(seconds), AsyncExitStack() as clients:
            admin = create_admin(quick, _CLIENT_ID)
            clients.push_async_callback(admin.close)
            await admin.start()
            reader = create_reader(quick, _CLIENT_ID)
            clients.push_async_callback(stop_reader, reader)
            await reader.start()
            cluster = await admin.describe_cluster()
            states = await topic_states(admin, specs)
            groups = {names.llm_group: (names.interactive, names.batch)}
            reports = await report_topics(admin, reader, [spec.name for spec in specs], groups, with_newest=False)
            partitions = [
                TopicPartition(name, number)
                for name in (names.interactive, names.batch)
                for number in range(_partitions(states[name]))
            ]
            future = round((time.time() + skew_seconds) * 1000)
            later = await reader.offsets_for_times(dict.fromkeys(partitions, future)) if partitions else {}
    except TimeoutError:
        return Unanswered(f"no answer within {seconds:g} s")
    except (KafkaError, OSError) as error:
        return Unanswered(reason_of(error))
    return KafkaSeen(
        brokers=len(cluster["brokers"]),
        states=states,
        reports=dict(zip([spec.name for spec in specs], reports, strict=True)),
        ahead=sorted({key.topic for key, found in later.items() if found is not None}),
    )


def _partitions(state: TopicState | None) -> int:
    return 0 if state is None else state.partitions


def judge_kafka(seen: KafkaSeen | Unanswered, kafka: KafkaSettings) -> list[Finding]:
    """Whether it answers, and has the brokers that the copies need."""
    if isinstance(seen, Unanswered):
        found = f"Kafka at {kafka.bootstrap_servers} does not answer: {seen.reason}"
        return [failure(Check.KAFKA, found, f"start it, or set {_SERVERS} to where it is")]
    brokers = f"{seen.brokers} broker{'' if seen.brokers == 1 else 's'}"
    if seen.brokers < kafka.replication_factor:
        found = f"{brokers} for {kafka.replication_factor} copies of each partition"
        variable = variable_name("kafka", "replication_factor")
        return [failure(Check.KAFKA, found, f"add brokers, or set {variable} to at most {seen.brokers}")]
    return [ok(Check.KAFKA, f"{kafka.bootstrap_servers} answers, {brokers}")]


def judge_topics(seen: KafkaSeen | Unanswered, specs: Sequence[TopicSpec]) -> list[Finding]:
    """Whether each topic is there and as the contract has it, with all its copies."""
    if isinstance(seen, Unanswered):
        return [not_looked_at(Check.TOPICS, Check.KAFKA)]
    found = [finding for spec in specs for finding in _judge_topic(spec, seen)]
    return found or [ok(Check.TOPICS, f"{len(specs)} topics as they should be")]


def _judge_topic(spec: TopicSpec, seen: KafkaSeen) -> list[Finding]:
    state, report = seen.states[spec.name], seen.reports[spec.name]
    if state is None or report is None:
        mend = f"promptmill topics --create; if services run, their {variable_name('kafka', 'topic_prefix')} is another"
        return [failure(Check.TOPICS, f"there is no topic {spec.name}", mend)]
    findings = []
    for line in differences(spec, state):
        what, _, mend = line.partition(": ")
        findings.append(failure(Check.TOPICS, what, mend))
    if report.in_sync < report.replication:
        lacking = f"{spec.name} has {report.in_sync} of {report.replication} copies in sync"
        findings.append(warning(Check.TOPICS, lacking, "bring back the broker that is away, and let it catch up"))
    return findings


def judge_group(seen: KafkaSeen | Unanswered) -> list[Finding]:
    """Whether somebody works for what waits in the lanes."""
    if isinstance(seen, Unanswered):
        return [not_looked_at(Check.WORKERS, Check.KAFKA)]
    lags = [lag for report in seen.reports.values() if report is not None for lag in report.lags]
    waiting, members = sum(lag.records for lag in lags), max((lag.members for lag in lags), default=0)
    if members:
        return [ok(Check.WORKERS, f"{members} in the group, {waiting:,} records before them")]
    found = f"nobody is in the group of the workers, {waiting:,} records wait"
    mend = f"start a worker: python -m consumer, with the same {_SERVERS} and prefix"
    return [failure(Check.WORKERS, found, mend)]

"""The topics and their settings: part of the contract, created explicitly and checked at start."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from common.setting_names import variable_name
from common.settings import KafkaSettings, TaskSettings
from common.task import Lane

_DAY_MS = 24 * 3600 * 1000
DEAD_LETTERS_KEPT_MS = 30 * _DAY_MS
_MIB = 1024 * 1024

# Kafka's word for it.
_NO_LIMIT = "-1"
_IN_SYNC = "min.insync.replicas"

MAX_TASK_RECORD_BYTES = _MIB
MAX_RESULT_RECORD_BYTES = 8 * _MIB
MAX_DEAD_LETTER_BYTES = 8 * _MIB


# The value of a dead letter whose original was too large to copy, or unreadable, says only where the original stands.
REFERENCE_CONTENT_TYPE = b"application/vnd.promptmill.reference+json"


class TopicsUnfit(RuntimeError):  # noqa: N818 - names the state of the topics
    """Topics that are not as the contract has them, or cannot be made; the text says each mend."""


@dataclass(frozen=True, slots=True)
class TopicNames:
    """Names of the topics and groups under one prefix."""

    prefix: str

    @property
    def interactive(self) -> str:
        """Tasks that somebody waits for."""
        return f"{self.prefix}tasks.interactive"

    @property
    def batch(self) -> str:
        """Tasks in bulk."""
        return f"{self.prefix}tasks.batch"

    @property
    def results(self) -> str:
        """Every final outcome, compacted by task id."""
        return f"{self.prefix}results"

    @property
    def dead_letters(self) -> str:
        """Records that will not be tried again."""
        return f"{self.prefix}dead-letters"

    @property
    def llm_group(self) -> str:
        """The consumer group of the workers that call models."""
        return f"{self.prefix}llm"

    def tasks(self, lane: Lane) -> str:
        """The topic that carries a lane's tasks."""
        return self.interactive if lane is Lane.INTERACTIVE else self.batch


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it should be; `config` has the broker's own names and texts."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as Kafka has it. `replicas` is the smallest number of copies of any partition."""

    partitions: int
    replicas: int
    config: Mapping[str, str]


def topic_specs(kafka: KafkaSettings, tasks: TaskSettings) -> tuple[TopicSpec, ...]:
    """Every topic there is, by the settings."""
    names = TopicNames(kafka.topic_prefix)
    # Results outlive every task they could still belong to: window plus reading time, at least a week.
    results_ms = max(7 * _DAY_MS, round(2000 * (tasks.deadline_seconds + tasks.result_ttl_seconds)))
    # A record must outlive its own expiry, or it would be deleted before anyone said so.
    tasks_ms = max(7 * _DAY_MS, round(2000 * tasks.deadline_seconds))

    def spec(name: str, partitions: int, max_bytes: int, **config: str) -> TopicSpec:
        settings = {
            "max.message.bytes": str(max_bytes),
            _IN_SYNC: str(kafka.min_insync_replicas),
            # By size Kafka would delete what nobody has read yet.
            "retention.bytes": _NO_LIMIT,
            **{key.replace("_", "."): value for key, value in config.items()},
        }
        return TopicSpec(name, partitions, kafka.replication_factor, settings)

    task_config = {"cleanup_policy": "delete", "retention_ms": str(tasks_ms)}
    return (
        spec(names.interactive, kafka.task_partitions, MAX_TASK_RECORD_BYTES, **task_config),
        spec(names.batch, kafka.task_partitions, MAX_TASK_RECORD_BYTES, **task_config),
        spec(
            names.results,
            kafka.task_partitions,
            MAX_RESULT_RECORD_BYTES,
            cleanup_policy="compact,delete",
            retention_ms=str(results_ms),
        ),
        spec(
            names.dead_letters,
            min(kafka.task_partitions, 6),
            MAX_DEAD_LETTER_BYTES,
            cleanup_policy="delete",
            retention_ms=str(DEAD_LETTERS_KEPT_MS),
        ),
    )


def differences(spec: TopicSpec, topic: TopicState) -> list[str]:
    """What of a topic does not fulfil its spec, one mend a line; more than asked for is no difference."""
    found = []
    if topic.partitions < spec.partitions:
        found.append(
            f"{spec.name} has {topic.partitions} partitions, {spec.partitions} are wanted: add partitions, or set "
            f"{variable_name('kafka', 'task_partitions')}={topic.partitions}"
        )
    if topic.replicas < spec.replication_factor:
        found.append(
            f"{spec.name} has replication factor {topic.replicas}, {spec.replication_factor} is wanted: add replicas "
            f"with kafka-reassign-partitions, or set {variable_name('kafka', 'replication_factor')}={topic.replicas}"
        )
    in_sync = topic.config.get(_IN_SYNC)
    if in_sync is not None and int(in_sync) > topic.replicas:
        writable = min(int(spec.config[_IN_SYNC]), topic.replicas)
        found.append(
            f"{spec.name} has {_IN_SYNC}={in_sync} with replication factor {topic.replicas}, nothing can be written to "
            f"it: {_alter(spec.name, _IN_SYNC, str(writable))}, or add replicas with kafka-reassign-partitions"
        )
    for name, wanted in spec.config.items():
        value = topic.config.get(name)
        if value is None or _fulfils(name, value, wanted):
            continue
        found.append(f"{spec.name} has {name}={value}, {wanted} is wanted: {_alter(spec.name, name, wanted)}")
    return found


def _alter(topic: str, name: str, value: str) -> str:
    # Brackets keep the commas of a list together.
    value = f"[{value}]" if "," in value else value
    return f"kafka-configs --alter --topic {topic} --add-config {name}={value}"


def _fulfils(name: str, value: str, wanted: str) -> bool:
    if name == "cleanup.policy":
        return set(value.split(",")) == set(wanted.split(","))
    if _NO_LIMIT in (value, wanted):
        return value == _NO_LIMIT
    return int(value) >= int(wanted)


async def topic_states(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> dict[str, TopicState | None]:
    """Each topic by its name as Kafka has it now, None for one that does not exist.

    Raises:
        KafkaError: a broker refuses, or is out of reach.
    """
    existing = set(await admin.list_topics())
    there = [spec for spec in specs if spec.name in existing]
    if not there:
        return {spec.name: None for spec in specs}
    described = {
        topic["topic"]: topic["partitions"] for topic in await admin.describe_topics([each.name for each in there])
    }
    configs = await _configs(admin, there)
    states: dict[str, TopicState | None] = {}
    for spec in specs:
        # Deleted since it was listed, it has none.
        partitions = described.get(spec.name) or []
        counts = [len(partition["replicas"]) for partition in partitions]
        states[spec.name] = TopicState(len(counts), min(counts), configs[spec.name]) if counts else None
    return states


async def ensure_topics(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> None:
    """Create the topics that are missing, wait until each partition has a leader, check all settings.

    Safe to run by many processes at once.

    Raises:
        TopicsUnfit: a topic cannot be made or differs; the text names each difference and its mend.
        KafkaError: the brokers cannot be reached.
    """
    existing = set(await admin.list_topics())
    missing = [spec for spec in specs if spec.name not in existing]
    if missing:
        await _create(admin, missing)
    replicas = await _wait_for_leaders(admin, specs)
    configs = await _configs(admin, specs)
    topics = {name: TopicState(len(counts), min(counts), configs[name]) for name, counts in replicas.items()}
    found = [line for spec in specs for line in differences(spec, topics[spec.name])]
    if found:
        raise TopicsUnfit("\n".join(found))


async def _create(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> None:
    new = [
        NewTopic(
            name=spec.name,
            num_partitions=spec.partitions,
            replication_factor=spec.replication_factor,
            topic_configs=dict(spec.config),
        )
        for spec in specs
    ]
    response = await admin.create_topics(new)
    for name, code, *rest in response.topic_errors:
        error = for_code(code)
        if code == 0 or error is TopicAlreadyExistsError:
            continue
        mend = ""
        if error is InvalidReplicationFactorError:
            mend = f": set {variable_name('kafka', 'replication_factor')} to at most the number of brokers"
        detail = next((text for text in rest if text), "")
        raise TopicsUnfit(f"cannot create {name}: {error.__name__} {detail}".rstrip() + mend)


async def _wait_for_leaders(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> dict[str, list[int]]:
    """The number of replicas of each partition by topic, once all partitions have a leader."""
    while True:
        described = await admin.describe_topics([spec.name for spec in specs])
        counts: dict[str, list[int]] = {}
        for topic in described:
            error = for_code(topic["error_code"])
            if topic["error_code"] and error is not UnknownTopicOrPartitionError:
                raise error(topic["topic"])
            if topic["partitions"] and all(part["leader"] >= 0 for part in topic["partitions"]):
                counts[topic["topic"]] = [len(part["replicas"]) for part in topic["partitions"]]
        if len(counts) == len(specs):
            return counts
        # Leaders are elected in milliseconds; the caller bounds the whole.
        await asyncio.sleep(0.1)


async def _configs(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, spec.name) for spec in specs]
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for code, message, _kind, name, entries in response.resources:
            if code:
                raise KafkaError(f"cannot read the configuration of {name}: {message}")
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from common.connections import create_admin
from common.settings import KafkaSettings, TaskSettings
from common.topics import TopicSpec, TopicState, TopicsUnfit, differences, ensure_topics, topic_specs
from tests.support.waiting import until

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
async def admin(kafka_settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    client = create_admin(kafka_settings, "tests")
    await client.start()
    yield client
    await client.close()


def test_the_topics_are_the_documented_ones() -> None:
    specs = {spec.name: spec for spec in topic_specs(KafkaSettings(), TaskSettings())}
    assert set(specs) == {
        "promptmill.tasks.interactive",
        "promptmill.tasks.batch",
        "promptmill.results",
        "promptmill.dead-letters",
    }
    tasks, results = specs["promptmill.tasks.interactive"], specs["promptmill.results"]
    assert (tasks.partitions, tasks.replication_factor) == (24, 3)
    assert tasks.config == {
        "cleanup.policy": "delete",
        "retention.ms": str(7 * DAY_MS),
        "max.message.bytes": str(1024 * 1024),
        "min.insync.replicas": "2",
        "retention.bytes": "-1",
    }
    assert results.config["cleanup.policy"] == "compact,delete"
    assert results.config["max.message.bytes"] == str(8 * 1024 * 1024)
    assert specs["promptmill.dead-letters"].config["retention.ms"] == str(30 * DAY_MS)


def test_topics_outlive_the_tasks_they_carry() -> None:
    thirty_days = TaskSettings(deadline_seconds=30 * 86_400, result_ttl_seconds=30 * 86_400)
    for spec in topic_specs(KafkaSettings(), thirty_days):
        assert int(spec.config["retention.ms"]) >= 30 * DAY_MS


SPEC = TopicSpec(
    "t",
    4,
    2,
    {
        "retention.ms": "1000",
        "cleanup.policy": "compact,delete",
        "retention.bytes": "-1",
        "min.insync.replicas": "1",
    },
)
FITTING = dict(SPEC.config)


ALTER = "kafka-configs --alter --topic t --add-config"


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        (TopicState(4, 2, FITTING), None),
        (TopicState(8, 3, FITTING | {"retention.ms": "2000", "cleanup.policy": "delete,compact"}), None),
        (TopicState(4, 2, FITTING | {"retention.ms": "-1", "min.insync.replicas": "2"}), None),
        (TopicState(3, 2, FITTING), "4 are wanted: add partitions, or set PROMPTMILL_KAFKA__TASK_PARTITIONS=3"),
        (TopicState(4, 1, FITTING), "factor 1, 2 is wanted: add replicas with kafka-reassign-partitions, or set "),
        (TopicState(4, 1, FITTING), "or set PROMPTMILL_KAFKA__REPLICATION_FACTOR=1"),
        (
            TopicState(4, 2, FITTING | {"min.insync.replicas": "3"}),
            f"replication factor 2, nothing can be written to it: {ALTER} min.insync.replicas=1, or add",
        ),
        (
            TopicState(4, 2, FITTING | {"retention.bytes": "1000"}),
            f"retention.bytes=1000, -1 is wanted: {ALTER} retention.bytes=-1",
        ),
        (TopicState(4, 2, FITTING | {"retention.ms": "999"}), "retention.ms=999, 1000 is wanted"),
        (
            TopicState(4, 2, FITTING | {"cleanup.policy": "delete"}),
            f"cleanup.policy=delete, compact,delete is wanted: {ALTER} cleanup.policy=[compact,delete]",
        ),
    ],
)
def test_less_than_asked_for_is_a_difference_and_more_is_not(topic: TopicState, found: str | None) -> None:
    lines = differences(SPEC, topic)
    assert len(lines) == (found is not None)
    assert found is None or found in lines[0]


async def test_many_processes_may_create_the_topics_at_once(
    kafka_settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    specs = topic_specs(kafka_settings, TaskSettings())
    await asyncio.gather(*(ensure_topics(admin, specs) for _ in range(4)))
    await ensure_topics(admin, specs)
    described = await admin.describe_topics([spec.name for spec in specs])
    assert {topic["topic"]: len(topic["partitions"]) for topic in described} == {
        spec.name: spec.partitions for spec in specs
    }


@pytest.mark.parametrize(
    ("topic", "setting", "complaint"),
    [
        ("results", ("cleanup.policy", "delete"), r"results has cleanup\.policy=delete, compact,delete is wanted"),
        ("tasks.batch", ("retention.bytes", "1000"), r"tasks\.batch has retention\.bytes=1000, -1 is wanted"),
        ("tasks.batch", ("min.insync.replicas", "3"), r"min\.insync\.replicas=3 with replication factor 1"),
    ],
)
async def test_topics_that_do_not_fit_are_named_with_their_mend(
    kafka_settings: KafkaSettings, admin: AIOKafkaAdminClient, topic: str, setting: tuple[str, str], complaint: str
) -> None:
    specs = topic_specs(kafka_settings, TaskSettings())
    await ensure_topics(admin, specs)
    name = next(spec.name for spec in specs if spec.name.endswith(topic))
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, dict([setting]))])

    async def is_altered() -> bool:
        [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        [(*_, entries)] = response.resources
        return any(entry[:2] == setting for entry in entries)

    await until(is_altered, what="the altered configuration")
    with pytest.raises(TopicsUnfit, match=complaint):
        await ensure_topics(admin, specs)


async def test_topics_with_fewer_copies_than_configured_do_not_fit(
    kafka_settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    await ensure_topics(admin, topic_specs(kafka_settings, TaskSettings()))
    wanted = kafka_settings.model_copy(update={"replication_factor": 2})
    with pytest.raises(TopicsUnfit, match=r"batch has replication factor 1, 2 is wanted: .*REPLICATION_FACTOR=1"):
        await ensure_topics(admin, topic_specs(wanted, TaskSettings()))


async def test_more_partitions_than_asked_for_are_welcome(
    kafka_settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    specs = topic_specs(kafka_settings, TaskSettings())
    await ensure_topics(admin, specs)
    await admin.create_partitions({specs[0].name: NewPartitions(specs[0].partitions + 1)})
    await ensure_topics(admin, specs)


async def test_more_copies_than_brokers_names_the_setting(
    kafka_settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    wanted = kafka_settings.model_copy(update={"replication_factor": 3})
    with pytest.raises(TopicsUnfit, match="PROMPTMILL_KAFKA__REPLICATION_FACTOR"):
        await ensure_topics(admin, topic_specs(wanted, TaskSettings()))

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from cli.addresses import STACK_FILE
from cli.exit_codes import ExitCode
from common.connections import create_group_consumer
from common.setting_names import variable_name
from common.settings import KafkaSettings
from common.topic_report import TopicReport, report_topics
from common.topics import TopicNames
from tests.cli.running import run_command
from tests.cli.topics.conftest import CLIENT_ID, variables
from tests.support.waiting import until

NOBODY = "127.0.0.1:1"


def found(reports: list[TopicReport | None]) -> list[TopicReport]:
    existing = [report for report in reports if report is not None]
    assert len(existing) == len(reports)
    return existing


@pytest.mark.usefixtures("topics")
async def test_a_topic_is_reported_with_its_partitions_records_and_newest_record(
    admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, producer: AIOKafkaProducer, names: TopicNames
) -> None:
    for partition, second in ((0, 1_000), (3, 3_000), (1, 2_000)):
        await producer.send_and_wait(
            names.results,
            f"value {second}".encode(),
            f"key {second}".encode(),
            partition=partition,
            timestamp_ms=second * 1_000,
            headers=[("task-id", b"1"), ("binary", b"\xff")],
        )
    results, batch = found(await report_topics(admin, reader, [names.results, names.batch], {}))
    assert (results.partitions, results.replication, results.in_sync, results.records) == (6, 1, 1, 3)
    assert results.newest is not None
    assert (results.newest.partition, results.newest.offset, results.newest.timestamp) == (3, 0, 3_000)
    assert (results.newest.key, results.newest.value, results.newest.size) == (b"key 3000", b"value 3000", 10)
    assert results.newest.headers == (("task-id", b"1"), ("binary", b"\xff"))
    assert (batch.records, batch.newest) == (0, None)


@pytest.mark.usefixtures("topics")
async def test_lag_is_what_a_group_has_not_committed_and_all_there_is_where_it_never_did(
    admin: AIOKafkaAdminClient,
    reader: AIOKafkaConsumer,
    producer: AIOKafkaProducer,
    names: TopicNames,
    kafka_settings: KafkaSettings,
) -> None:
    for _ in range(5):
        await producer.send_and_wait(names.interactive, b"x", partition=2)
    await producer.send_and_wait(names.batch, b"x", partition=0)
    groups = {names.llm_group: (names.interactive, names.batch)}
    asked = [names.interactive, names.batch, names.results]

    async def lags(members: int) -> list[list[int]]:
        reports = found(await report_topics(admin, reader, asked, groups))
        assert {lag.group for report in reports for lag in report.lags} == {names.llm_group}
        assert all(lag.members == members for report in reports for lag in report.lags)
        return [[lag.records for lag in report.lags] for report in reports]

    assert await lags(members=0) == [[5], [1], []]
    member = create_group_consumer(kafka_settings, CLIENT_ID, names.llm_group, session_timeout_seconds=10)
    member.subscribe([names.interactive, names.batch])
    async with member:
        await until(member.assignment, what="an assignment")
        await member.commit({TopicPartition(names.interactive, 2): 3})
        assert await lags(members=1) == [[2], [1], []]


async def test_a_topic_that_does_not_exist_is_none_and_is_not_made_by_looking(
    admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, names: TopicNames
) -> None:
    groups = {names.llm_group: (names.interactive,)}
    assert await report_topics(admin, reader, [names.interactive], groups) == [None]
    assert names.interactive not in await admin.list_topics()


async def topics_json(*arguments: str, folder: Path, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    run = await run_command("topics", "--json", *arguments, folder=folder, environ=environ)
    assert run.status == ExitCode.OK, run
    return [json.loads(line) for line in run.output.splitlines()]


@pytest.mark.usefixtures("topics")
async def test_the_command_shows_content_only_when_asked(
    producer: AIOKafkaProducer, names: TopicNames, kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    await producer.send_and_wait(names.interactive, b'{"body": "a secret \\u001b[2J prompt"}', b"key")
    environ = variables(kafka_settings)
    without = await run_command("topics", folder=tmp_path, environ=environ)
    assert (without.status, "a secret" in without.output) == (0, False)
    shown = await run_command("topics", "--show-last", folder=tmp_path, environ=environ)
    assert '"body": "a secret \\u001b[2J prompt"' in shown.output
    lines = [line.split() for line in shown.output.splitlines()]
    assert [names.interactive, "6", "1", "1", "1", "llm"] in lines
    assert [names.results, "6", "1", "0"] in lines
    assert f"group llm is {names.llm_group}, 0 members\n" in shown.output
    (newest,) = [line["newest"] for line in await topics_json(folder=tmp_path, environ=environ) if line["newest"]]
    assert (newest["key"], newest["size"], "value" in newest) == ("key", 37, False)
    (newest,) = [
        line["newest"] for line in await topics_json("--show-last", folder=tmp_path, environ=environ) if line["newest"]
    ]
    assert newest["value"] == {"body": "a secret \x1b[2J prompt"}


async def test_topics_that_are_not_there_yet_are_said_to_be_missing(
    kafka_settings: KafkaSettings, names: TopicNames, tmp_path: Path
) -> None:
    run = await run_command("topics", folder=tmp_path, environ=variables(kafka_settings))
    assert (run.status, run.output.count("not there yet")) == (ExitCode.OK, 4)
    lines = await topics_json(folder=tmp_path, environ=variables(kafka_settings))
    assert lines[0] == {"topic": names.interactive, "exists": False}


async def test_missing_topics_are_created_on_demand_as_the_services_would(
    kafka_settings: KafkaSettings, names: TopicNames, tmp_path: Path
) -> None:
    environ = variables(kafka_settings) | {
        variable_name("kafka", "replication_factor"): "1",
        variable_name("kafka", "min_insync_replicas"): "1",
        variable_name("kafka", "task_partitions"): "3",
    }
    for _ in range(2):  # a second time changes nothing
        lines = await topics_json("--create", folder=tmp_path, environ=environ)
        assert [(line["topic"], line["partitions"]) for line in lines] == [
            (names.interactive, 3),
            (names.batch, 3),
            (names.results, 3),
            (names.dead_letters, 3),
        ]


@pytest.mark.usefixtures("topics")
async def test_a_topic_that_does_not_fit_is_said_with_its_mend(
    kafka_settings: KafkaSettings, names: TopicNames, tmp_path: Path
) -> None:
    environ = variables(kafka_settings) | {
        variable_name("kafka", "replication_factor"): "1",
        variable_name("kafka", "min_insync_replicas"): "1",
        variable_name("kafka", "task_partitions"): "7",
    }
    run = await run_command("topics", "--create", folder=tmp_path, environ=environ)
    assert run.status == ExitCode.USAGE
    assert f"promptmill: {names.interactive} has 6 partitions, 7 are wanted: add partitions" in run.errors


async def test_kafka_is_found_where_the_local_stack_says(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    (tmp_path / STACK_FILE).parent.mkdir()
    (tmp_path / STACK_FILE).write_text(json.dumps({"kafka": kafka_settings.bootstrap_servers}))
    prefix = {variable_name("kafka", "topic_prefix"): kafka_settings.topic_prefix}
    run = await run_command("topics", folder=tmp_path, environ=prefix)
    assert run.status == ExitCode.OK
    assert run.errors == f"Kafka {kafka_settings.bootstrap_servers} (from {STACK_FILE})\n"
    # A variable goes before it.
    nowhere = prefix | {variable_name("kafka", "bootstrap_servers"): NOBODY}
    assert (await run_command("topics", folder=tmp_path, environ=nowhere)).status == ExitCode.OUT_OF_REACH


async def test_a_kafka_out_of_reach_is_one_line_that_names_its_variable(tmp_path: Path) -> None:
    variable = variable_name("kafka", "bootstrap_servers")
    run = await run_command("topics", folder=tmp_path, environ={variable: NOBODY})
    assert run.status == ExitCode.OUT_OF_REACH
    reason = "no broker can be connected to"
    assert run.errors.splitlines() == [
        f"Kafka {NOBODY} (from {variable})",
        f"promptmill: Kafka at {NOBODY} (from {variable}) does not answer: {reason}; {variable} says where it is",
    ]


async def test_settings_that_are_wrong_are_a_usage_error(tmp_path: Path) -> None:
    variable = variable_name("kafka", "task_partitions")
    run = await run_command("topics", folder=tmp_path, environ={variable: "many"})
    assert run.status == ExitCode.USAGE
    assert run.errors.startswith(f"promptmill: {variable}: ")

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from cli.exit_codes import ExitCode
from common.settings import KafkaSettings
from common.topics import TopicNames
from tests.cli.running import finish, run_command, run_redirected, start_command
from tests.cli.topics.conftest import variables
from tests.support.unreadable_records import write_unreadable


@pytest.fixture(scope="module")
def begin_ms() -> int:
    """Lately: what is older than a topic keeps is deleted while a test runs."""
    return round((time.time() - 60) * 1000)


async def written(producer: AIOKafkaProducer, topic: str, number: int, begin_ms: int) -> None:
    await producer.send_and_wait(
        topic,
        json.dumps({"secret": number}).encode(),
        f"key-{number}".encode(),
        partition=number % 3,
        timestamp_ms=begin_ms + number,
        headers=[("tenant", b"local"), ("task-id", b"told as the key")],
    )


@pytest.mark.usefixtures("topics")
async def test_the_newest_records_of_all_partitions_come_in_the_order_of_their_times(
    producer: AIOKafkaProducer, names: TopicNames, kafka_settings: KafkaSettings, begin_ms: int, tmp_path: Path
) -> None:
    for number in range(7):
        await written(producer, names.results, number, begin_ms)
    environ = variables(kafka_settings)
    command = ("topics", "tail", "results", "--no-follow", "--last", "4")
    run = await run_command(*command, folder=tmp_path, environ=environ)
    assert run.status == ExitCode.OK
    assert [line.split()[3] for line in run.output.splitlines()] == ["key-3", "key-4", "key-5", "key-6"]
    assert run.output.splitlines()[0].endswith("0-1  key-3  13 bytes  tenant=local")
    assert "secret" not in run.output
    shown = await run_command(*command, "--content", folder=tmp_path, environ=environ)
    assert '  {"secret": 6}' in shown.output.splitlines()
    lines = (await run_command(*command, "--json", folder=tmp_path, environ=environ)).output.splitlines()
    assert json.loads(lines[0]) == {
        "partition": 0,
        "offset": 1,
        "timestamp": (begin_ms + 3) / 1000,
        "key": "key-3",
        "headers": {"tenant": "local", "task-id": "told as the key"},
        "size": 13,
    }
    nothing = await run_command(*command[:-1], "0", folder=tmp_path, environ=environ)
    assert (nothing.status, nothing.output) == (ExitCode.OK, "")


@pytest.mark.usefixtures("topics")
async def test_new_records_are_followed_until_ctrl_c(
    producer: AIOKafkaProducer, names: TopicNames, kafka_settings: KafkaSettings, begin_ms: int, tmp_path: Path
) -> None:
    await written(producer, names.batch, 0, begin_ms)
    process = await start_command(
        "topics", "tail", "batch", "--json", "--content", folder=tmp_path, environ=variables(kafka_settings)
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        first = json.loads(await process.stdout.readline())
        await written(producer, names.batch, 1, begin_ms)
        second = json.loads(await process.stdout.readline())
    assert [first["value"], second["value"]] == [{"secret": 0}, {"secret": 1}]
    process.send_signal(signal.SIGINT)
    run = await finish(process)
    assert (run.status, run.output) == (ExitCode.INTERRUPTED, "")
    assert "Traceback" not in run.errors


@pytest.mark.usefixtures("topics")
async def test_a_record_that_cannot_be_read_is_named_and_passed_over(
    producer: AIOKafkaProducer, names: TopicNames, kafka_settings: KafkaSettings, begin_ms: int, tmp_path: Path
) -> None:
    for partition in (0, 1):
        await producer.send_and_wait(names.interactive, b"whole", b"key", partition=partition)
    values = [b"before", None, b"after"]
    # The client reads a batch from its beginning: what stands behind the broken record is out of reach as well.
    await write_unreadable(producer, names.interactive, 1, values, timestamp_ms=begin_ms)
    await producer.send_and_wait(names.interactive, b"last", b"key", partition=1)
    command = ("topics", "tail", "interactive", "--no-follow", "--content", "--json")
    run = await run_command(*command, folder=tmp_path, environ=variables(kafka_settings))
    assert run.status == ExitCode.OK
    shown = sorted(json.loads(line)["value"] for line in run.output.splitlines())
    assert shown == ["before", "last", "whole", "whole"]
    assert "partition 1, offset 2: a record that cannot be read" in run.errors


async def test_a_topic_that_is_not_there_is_said_to_be_missing(
    kafka_settings: KafkaSettings, names: TopicNames, tmp_path: Path
) -> None:
    run = await run_command("topics", "tail", "dead-letters", folder=tmp_path, environ=variables(kafka_settings))
    assert run.status == ExitCode.NOT_COMPLETED
    assert run.errors.splitlines()[-1] == (
        f"promptmill: {names.dead_letters} is not there yet: a service makes it when it starts"
    )


@pytest.mark.usefixtures("topics")
async def test_an_output_that_cannot_be_written_is_no_fault_of_kafka(
    producer: AIOKafkaProducer, names: TopicNames, kafka_settings: KafkaSettings, begin_ms: int, tmp_path: Path
) -> None:
    await written(producer, names.batch, 0, begin_ms)
    environ = variables(kafka_settings)
    command = ("topics", "tail", "batch", "--no-follow")
    for redirection, said in (
        (">/dev/full", ["promptmill: standard output cannot be written: No space left on device"]),
        ("| true", []),
    ):
        for more in (("--json",), ()):
            run = await run_redirected(*command, *more, redirection=redirection, folder=tmp_path, environ=environ)
            assert [line for line in run.errors.splitlines() if not line.startswith("Kafka ")] == said
            assert redirection == "| true" or run.status == ExitCode.NOT_COMPLETED

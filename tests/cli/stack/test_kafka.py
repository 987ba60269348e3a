import re
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from cli.stack.errors import StackError
from cli.stack.kafka import running_kafka
from cli.stack.kafka_install import KafkaProgram

LARGE = b"x" * (8 << 20)


def _names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def test_a_record_of_eight_mebibytes_outlives_a_restart_on_other_ports(tmp_path: Path) -> None:
    async with running_kafka(tmp_path) as bootstrap:
        first = bootstrap
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic("large", 1, 1, topic_configs={"max.message.bytes": str(9 << 20)})])
        await admin.close()
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=9 << 20, acks="all")
        await producer.start()
        await producer.send_and_wait("large", LARGE, partition=0)
        await producer.stop()
    async with running_kafka(tmp_path) as bootstrap:
        assert bootstrap != first
        consumer = AIOKafkaConsumer(
            "large", bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_bytes=9 << 20
        )
        await consumer.start()
        record = await consumer.getone()
        await consumer.stop()
        assert record.value == LARGE


async def test_the_data_of_one_broker_is_not_given_to_three(tmp_path: Path) -> None:
    folder = tmp_path / "kafka"
    folder.mkdir()
    (folder / "cluster.json").write_text('{"cluster_id": "MkU3OEVBNTcwNTJENDM2Qg", "brokers": 1}', "ascii")
    with pytest.raises(StackError, match="use --brokers 1 or another --data-dir"):
        async with running_kafka(tmp_path, brokers=3):
            pass


async def test_the_data_stays_in_its_folder_whatever_the_folder_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A bare locale, in which Java would write "?" for what is not ASCII.
    monkeypatch.setenv("LC_ALL", "C")
    folder = tmp_path / "jos\u00e9 \u5b50 \U0001f600 a\\b=c:d#e%41 \"f' $g!"
    async with running_kafka(folder):
        pass
    assert _names_in(tmp_path) == {folder.name}
    node = folder / "kafka" / "1"
    assert _names_in(node) == {"data", "server.properties", "log4j2.properties"}
    assert (node / "data" / "__cluster_metadata-0").is_dir()
    # The log's configuration was found, too.
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]{12} INFO ", (folder / "logs" / "kafka-1.log").read_text("utf-8"))


async def test_a_folder_that_kafka_would_take_for_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"a,b.* has a comma, which to Kafka separates folders: choose another"):
        async with running_kafka(tmp_path / "a,b"):
            pass
    assert not (tmp_path / "a,b").exists()


def test_a_path_is_not_read_as_an_address_by_the_logging() -> None:
    command = KafkaProgram(Path("/bin/java"), "").command(Path("/a%41b#c/log4j2.properties"))
    assert "-Dlog4j2.configurationFile=file:///a%2541b%23c/log4j2.properties" in command

from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from cli.stack.errors import StackError
from cli.stack.kafka import running_kafka

LARGE = b"x" * (8 << 20)


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

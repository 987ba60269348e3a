from pathlib import Path

import pytest

from cli.stack.kafka_config import Node, bootstrap_servers, replication, server_properties
from common.settings import KafkaSettings


def _nodes(count: int) -> list[Node]:
    return [Node(number, 9091 + number, 20000 + number, Path(f"/data/{number}")) for number in range(1, count + 1)]


def _properties(nodes: list[Node]) -> dict[str, str]:
    text = server_properties(nodes[0], nodes)
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.mark.parametrize(("brokers", "expected"), [(1, (1, 1)), (2, (2, 1)), (3, (3, 2)), (5, (3, 2))])
def test_with_three_brokers_a_record_is_kept_three_times_and_needs_two(brokers: int, expected: tuple[int, int]) -> None:
    assert replication(brokers) == expected


def test_a_cluster_of_three_votes_and_replicates_among_all() -> None:
    properties = _properties(_nodes(3))
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:20001,2@127.0.0.1:20002,3@127.0.0.1:20003"
    assert properties["min.insync.replicas"] == "2"
    for name in ("default.replication.factor", "offsets.topic.replication.factor"):
        assert properties[name] == "3"


def test_a_lost_broker_is_replaced_as_leader_before_a_producer_gives_up() -> None:
    patience_ms = KafkaSettings().request_timeout_seconds * 1000
    assert int(_properties(_nodes(3))["broker.session.timeout.ms"]) < patience_ms


def test_everything_listens_on_loopback_only() -> None:
    properties = _properties(_nodes(1))
    assert properties["listeners"] == "BROKER://127.0.0.1:9092,CONTROLLER://127.0.0.1:20001"
    assert properties["advertised.listeners"] == "BROKER://127.0.0.1:9092"


def test_records_of_eight_mebibytes_are_taken_and_replicated() -> None:
    properties = _properties(_nodes(1))
    assert int(properties["message.max.bytes"]) > 8 << 20
    assert int(properties["replica.fetch.max.bytes"]) >= int(properties["message.max.bytes"])


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("/odd\\folder", "/odd\\\\folder"),
        ("/jos\u00e9 m", "/jos\\u00e9 m"),
        ("/\u5b50", "/\\u5b50"),
        ("/\U0001f600", "/\\ud83d\\ude00"),
        ("/\\u00e9", "/\\\\u00e9"),
    ],
)
def test_the_folder_survives_the_properties_format(folder: str, written: str) -> None:
    node = Node(1, 9092, 20001, Path(folder))
    text = server_properties(node, [node])
    assert f"log.dirs={written}/data\n" in text
    assert text.isascii()


def test_clients_are_given_every_broker() -> None:
    assert bootstrap_servers(_nodes(2)) == "127.0.0.1:9092,127.0.0.1:9093"

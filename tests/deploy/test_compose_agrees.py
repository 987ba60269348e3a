"""The Compose file, read without Docker: it must say what the local stack and the settings say."""

import re
from pathlib import Path

import pytest

from cli.stack.kafka_config import Node, server_properties
from cli.stack.model import MODEL_NAME
from cli.stack.valkey import prepare_valkey
from consumer.settings import LlmSettings, WorkerSettings
from deploy.checks.facts import API_CLOSING_SECONDS
from producer_api.allowed_hosts import AllowedHosts
from producer_api.settings import ApiSettings
from tests.deploy.compose import version
from tests.support.compose_file import COMPOSE_FILE, composed_services, environment_of, resolved
from tests.support.docker import ROOT

CLUSTER = ROOT / "deploy" / "compose" / "cluster.env"
SERVICES = composed_services()
OURS = ("topics", "api", "consumer", "cli", "model")

# Names and addresses, which differ by their nature.
_OWN_TO_EACH = {
    "node.id", "controller.quorum.voters", "listeners", "advertised.listeners",
    "listener.security.protocol.map", "log.dirs",
}  # fmt: skip


def variables(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def kafka_properties(service: str, given: dict[str, str]) -> dict[str, str]:
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment_of(SERVICES[service], given).items()
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }


def local_properties(brokers: int) -> dict[str, str]:
    nodes = [Node(number, 9092, 9093, Path()) for number in range(1, brokers + 1)]
    lines = server_properties(nodes[0], nodes).splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize(("service", "brokers"), [("kafka", 1), ("kafka", 3), ("kafka-2", 3), ("kafka-3", 3)])
def test_kafka_is_set_as_the_local_stack_sets_it(service: str, brokers: int) -> None:
    here = kafka_properties(service, variables(CLUSTER) if brokers > 1 else {})
    there = local_properties(brokers)
    common = there.keys() - _OWN_TO_EACH
    assert len(common) > 12
    assert {name: here.get(name) for name in common} == {name: there[name] for name in common}
    # And nothing beside it; how soon a broker counts as dead matters to several only.
    alone = {"broker.session.timeout.ms", "broker.heartbeat.interval.ms"} if brokers == 1 else set()
    assert here.keys() - _OWN_TO_EACH - common == alone


def test_three_brokers_vote_and_are_told_to_clients() -> None:
    given = variables(CLUSTER)
    voters = {f"{number}@{name}:9093" for number, name in enumerate(("kafka", "kafka-2", "kafka-3"), 1)}
    assert set(given["KAFKA_VOTERS"].split(",")) == voters
    for service in ("kafka", "kafka-2", "kafka-3"):
        node = SERVICES[service]["environment"]["KAFKA_NODE_ID"]
        assert f"{node}@{SERVICES[service]['hostname']}:9093" in voters
        assert f"{SERVICES[service]['hostname']}:9092" in given["KAFKA_BOOTSTRAP_SERVERS"].split(",")
    # Here it would win over the profiles of .env, and nothing would answer who has no key.
    assert "COMPOSE_PROFILES" not in given


@pytest.mark.parametrize(
    ("service", "outlived_by"),
    [
        ("topics", {"kafka", "kafka-2", "kafka-3"}),
        ("api", {"kafka", "kafka-2", "kafka-3", "valkey"}),
        ("consumer", {"kafka", "kafka-2", "kafka-3", "valkey", "model"}),
    ],
)
def test_what_a_service_needs_starts_before_it_and_ends_after_it(service: str, outlived_by: set[str]) -> None:
    needed = {name: how for name, how in SERVICES[service]["depends_on"].items() if name != "topics"}
    assert needed.keys() == outlived_by
    for name, how in needed.items():
        assert how["condition"] == "service_healthy"
        # Those of a profile may be absent, the others may not.
        assert how.get("required", True) is ("profiles" not in SERVICES[name])


def test_valkey_is_set_as_the_local_stack_sets_it(tmp_path: Path) -> None:
    prepare_valkey(tmp_path / "valkey-server", 6379, tmp_path, tmp_path)
    local = dict(line.split(" ", 1) for line in (tmp_path / "valkey.conf").read_text("utf-8").splitlines())
    command = SERVICES["valkey"]["command"]
    here = dict(zip(command[1::2], command[2::2], strict=True))
    names = ("appendonly", "appendfsync", "save", "maxmemory-policy")
    assert {name: here[f"--{name}"] for name in names} == {name: local[name].strip('"') for name in names}
    assert len(here) == len(names)


def test_a_worker_has_as_long_as_its_settings_say_before_it_is_killed() -> None:
    worker, llm = WorkerSettings(), LlmSettings()
    consumer = SERVICES["consumer"]
    environment = environment_of(consumer, {})
    assert resolved(consumer["stop_grace_period"], {}) == f"{worker.shutdown_grace_seconds:g}s"
    assert environment["PROMPTMILL_WORKER__SHUTDOWN_GRACE_SECONDS"] == f"{worker.shutdown_grace_seconds:g}"
    assert environment["PROMPTMILL_WORKER__DRAIN_TIMEOUT_SECONDS"] == f"{worker.drain_timeout_seconds:g}"
    assert environment["PROMPTMILL_LLM__CALL_TIMEOUT_SECONDS"] == f"{llm.call_timeout_seconds:g}"


def test_the_number_of_workers_is_kept_in_the_file_of_variables() -> None:
    assert [resolved(SERVICES["consumer"]["scale"], given) for given in ({}, {"PROMPTMILL_CONSUMERS": "4"})] == [
        "1",
        "4",
    ]


def test_an_api_has_as_long_as_its_settings_say_before_it_is_killed() -> None:
    assert "PROMPTMILL_API__DRAIN_TIMEOUT_SECONDS" not in SERVICES["api"]["environment"]
    assert SERVICES["api"]["stop_grace_period"] == f"{ApiSettings().drain_timeout_seconds + API_CLOSING_SECONDS:g}s"


def test_without_a_key_the_small_model_is_called() -> None:
    given = variables(ROOT / "deploy" / "compose" / "llm.env")
    assert resolved(given["PROMPTMILL_LLM__BASE_URL"], {}) == "http://model:8080/v1"
    assert resolved(given["PROMPTMILL_LLM__MODEL"], {}) == MODEL_NAME
    assert SERVICES["consumer"]["env_file"] == ["deploy/compose/${OPENAI_API_KEY:+openai-}llm.env"]


def test_a_worker_reaches_a_model_on_this_machine_by_the_name_that_is_said() -> None:
    assert SERVICES["consumer"]["extra_hosts"] == ["host.docker.internal:host-gateway"]
    assert "host.docker.internal" in (ROOT / ".env.example").read_text("utf-8")


def test_every_published_port_is_on_loopback() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) >= 6
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_api_refuses_names_that_were_made_to_lead_here() -> None:
    environment = environment_of(SERVICES["api"], {})
    hosts = AllowedHosts(environment["PROMPTMILL_API__ALLOWED_HOSTS"], listens_on="0.0.0.0")  # noqa: S104 - as in its image
    assert all(hosts.allows(name) for name in ("localhost:8000", "127.0.0.1:8000", "api:8000"))
    assert not hosts.allows("rebound.example:8000")


@pytest.mark.parametrize("service", OURS)
def test_our_containers_can_write_nothing_and_gain_nothing(service: str) -> None:
    composed = SERVICES[service]
    assert composed["read_only"] is True
    assert composed["cap_drop"] == ["ALL"]
    assert composed["security_opt"] == ["no-new-privileges:true"]
    assert composed["build"]["target"] in composed["image"]


def test_images_are_tagged_by_the_projects_version() -> None:
    for service in OURS:
        assert resolved(SERVICES[service]["image"], {}).endswith(f":{version()}")
        assert resolved(SERVICES[service]["build"]["args"]["VERSION"], {}) == version()


def test_no_image_is_of_whatever_version_is_the_latest() -> None:
    images = [resolved(service["image"], {}) for service in SERVICES.values()]
    assert all(re.search(r":v?\d+(\.\d+)+$", image) for image in images)


def test_every_variable_that_may_be_set_is_explained() -> None:
    files = [COMPOSE_FILE, *(ROOT / "deploy" / "compose").glob("*llm.env")]
    used = {name for file in files for name in re.findall(r"\$\{(\w+)", file.read_text("utf-8"))}
    explained = set(re.findall(r"^#?(\w+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    for_three_brokers = variables(CLUSTER).keys() | {"KAFKA_2_PORT", "KAFKA_3_PORT"}
    rare = {"KAFKA_HEAP_OPTS", "PROMPTMILL_KAFKA__TASK_PARTITIONS", "PROMPTMILL_TASKS__MAX_ATTEMPTS"}
    assert used - for_three_brokers - rare <= explained
    assert explained <= used | {"COMPOSE_PROFILES"}

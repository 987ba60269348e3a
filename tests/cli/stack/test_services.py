from pathlib import Path

from cli.stack.services import ServiceChildren, Surroundings, service_environment

SURROUNDINGS = Surroundings(
    kafka="127.0.0.1:9093",
    replication_factor=3,
    min_insync_replicas=2,
    redis="redis://127.0.0.1:6380/0",
    llm="http://127.0.0.1:20001/v1",
    llm_model="gemma-3-270m",
    llm_key="none",
)


def test_settings_of_the_environment_reach_the_services_and_addresses_are_the_stacks() -> None:
    environ = {
        "PROMPTMILL_TASKS__MAX_ATTEMPTS": "2",
        "PROMPTMILL_REDIS__URL": "redis://elsewhere:6379/0",
        "PATH": "/bin",
    }
    environment = service_environment(environ, SURROUNDINGS)
    assert environment["PROMPTMILL_TASKS__MAX_ATTEMPTS"] == "2"
    assert environment["PATH"] == "/bin"
    assert environment["PROMPTMILL_REDIS__URL"] == "redis://127.0.0.1:6380/0"
    assert environment["PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS"] == "127.0.0.1:9093"
    assert environment["PROMPTMILL_KAFKA__REPLICATION_FACTOR"] == "3"
    assert environment["PROMPTMILL_KAFKA__MIN_INSYNC_REPLICAS"] == "2"
    assert environment["PROMPTMILL_LLM__BASE_URL"] == "http://127.0.0.1:20001/v1"
    assert environment["PROMPTMILL_LLM__MODEL"] == "gemma-3-270m"


def test_a_model_and_a_key_of_the_environment_are_left_alone() -> None:
    environ = {"PROMPTMILL_LLM__MODEL": "mine", "PROMPTMILL_LLM__API_KEY": "sk-1"}
    alone = Surroundings("k", 1, 1, "r", "l", llm_model=None, llm_key=None)
    environment = service_environment(environ, alone)
    assert environment["PROMPTMILL_LLM__MODEL"] == "mine"
    assert environment["PROMPTMILL_LLM__API_KEY"] == "sk-1"


def test_workers_differ_in_nothing_but_their_name_and_their_port(tmp_path: Path) -> None:
    services = ServiceChildren({"PATH": "/bin"}, tmp_path)
    first = services.worker(1, concurrency=3, operations_port=20001, stop_seconds=5)
    second = services.worker(2, concurrency=3, operations_port=20002, stop_seconds=5)
    assert first.argv == second.argv
    assert {**first.env, "PROMPTMILL_WORKER__OPERATIONS_PORT": "20002"} == second.env
    assert (first.name, second.name) == ("worker-1", "worker-2")
    assert first.log != second.log

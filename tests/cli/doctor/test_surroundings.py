from pathlib import Path

import pytest

from cli.doctor.surroundings import read_surroundings
from common.setting_names import ENV_PREFIX

KEY = {"OPENAI_API_KEY": "hidden"}


def test_the_stack_says_what_the_environment_leaves_open(tmp_path: Path) -> None:
    variables = ("REDIS__KEY_PREFIX='of-stack:'", "WORKER__OPERATIONS_PORT='0'")
    (tmp_path / "worker.env").write_text("".join(f"{ENV_PREFIX}{each}\n" for each in variables))
    environ = {**KEY, "PROMPTMILL_KAFKA__TOPIC_PREFIX": "mine."}
    seen = read_surroundings(environ, tmp_path)
    assert seen.worker is not None
    assert (seen.worker.redis.key_prefix, seen.worker.kafka.topic_prefix) == ("of-stack:", "mine.")
    assert seen.worker.worker.operations_port != 0
    assert (seen.of_stack, seen.faults) == (True, ())
    assert not read_surroundings(KEY, tmp_path / "elsewhere").of_stack


@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        ({"PROMPTMILL_KAFAK__X": "1"}, "PROMPTMILL_KAFAK__X: is no setting"),
        ({"PROMPTMILL_KAFKA__TOPIC_PREFIXX": "1"}, "PROMPTMILL_KAFKA__TOPIC_PREFIXX: is no setting; did you mean"),
        ({"PROMPTMILL_WORKER__CONCURRENCY": "0"}, "PROMPTMILL_WORKER__CONCURRENCY: "),
        ({"PROMPTMILL_API__PORT": "hidden"}, "PROMPTMILL_API__PORT: "),
    ],
)
def test_a_variable_at_fault_is_named_once_and_taken_as_not_set(
    environ: dict[str, str], fault: str, tmp_path: Path
) -> None:
    seen = read_surroundings({**KEY, **environ}, tmp_path)
    [said] = seen.faults
    assert said.startswith(fault)
    assert "hidden" not in said
    assert seen.worker is not None
    assert seen.api is not None


def test_without_a_key_for_its_model_no_worker_starts_and_all_else_is_looked_at(tmp_path: Path) -> None:
    seen = read_surroundings({}, tmp_path)
    assert len(seen.faults) == 1
    assert "PROMPTMILL_LLM__API_KEY" in seen.faults[0]
    assert seen.worker is not None


def test_settings_that_do_not_agree_can_not_be_used(tmp_path: Path) -> None:
    seen = read_surroundings({**KEY, "PROMPTMILL_LLM__CALL_TIMEOUT_SECONDS": "500"}, tmp_path)
    assert seen.worker is None
    assert len(seen.faults) == 1

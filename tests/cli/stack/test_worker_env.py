import os
import subprocess
from pathlib import Path

from cli.stack.worker_env import WorkerEnvFile, worker_env

SERVICES = {
    "PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092,127.0.0.1:9093",
    "PROMPTMILL_REDIS__URL": "redis://127.0.0.1:6379/0",
    "PROMPTMILL_LLM__MODEL": 'it\'s "mine" & $HOME',
    "PROMPTMILL_LLM__API_KEY": "sk-secret",
    "OPENAI_API_KEY": "sk-secret",
    "PATH": "/elsewhere",
}


def test_a_shell_reads_what_was_written_and_no_key_is_in_it(tmp_path: Path) -> None:
    file = WorkerEnvFile(tmp_path)
    file.write(SERVICES, concurrency=7)
    assert "secret" not in file.path.read_text("utf-8")
    run = subprocess.run(
        ["/bin/sh", "-c", 'set -a; . "$0"; env -0', str(file.path)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    read = dict(entry.split("=", 1) for entry in run.stdout.split("\0") if entry)
    assert {name: value for name, value in read.items() if name.startswith("PROMPTMILL_")} == {
        "PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092,127.0.0.1:9093",
        "PROMPTMILL_REDIS__URL": "redis://127.0.0.1:6379/0",
        "PROMPTMILL_LLM__MODEL": 'it\'s "mine" & $HOME',
        "PROMPTMILL_WORKER__CONCURRENCY": "7",
        "PROMPTMILL_WORKER__OPERATIONS_PORT": "0",
    }
    assert read["PATH"] == os.environ["PATH"]


def test_every_value_is_quoted() -> None:
    assert worker_env({"PROMPTMILL_REDIS__URL": "redis://h:1/0"}, concurrency=4).splitlines() == [
        "PROMPTMILL_REDIS__URL='redis://h:1/0'",
        "PROMPTMILL_WORKER__CONCURRENCY='4'",
        "PROMPTMILL_WORKER__OPERATIONS_PORT='0'",
    ]


def test_it_is_gone_when_removed_and_may_be_removed_again(tmp_path: Path) -> None:
    file = WorkerEnvFile(tmp_path)
    file.write(SERVICES, concurrency=1)
    file.remove()
    file.remove()
    assert not list(tmp_path.iterdir())

import shlex
from pathlib import Path

import pytest

from cli.addresses import DEFAULT_DATA_DIR, api_address
from cli.stack.data_dir import DataDir
from cli.stack.options import StackOptions
from cli.stack.ready_message import ready_message
from cli.stack.stack_file import Addresses
from cli.topics.kafka import find_kafka
from common.setting_loading import load_settings
from consumer.settings import Settings

ADDRESSES = Addresses(
    api="http://127.0.0.1:8001",
    operations=(),
    kafka="127.0.0.1:9093,127.0.0.1:9094",
    redis="redis://127.0.0.1:6380/0",
    llm="http://127.0.0.1:9/v1",
)


def message_of(data_dir: Path) -> str:
    options = StackOptions(
        workers=1,
        concurrency=1,
        brokers=1,
        port=8001,
        llm_base_url=None,
        data_dir=data_dir,
        ephemeral=False,
        no_llm=False,
    )
    return ready_message(ADDRESSES, options, DataDir(data_dir.resolve()), Path("/usr/bin"), 1.0)


def exports(message: str) -> list[str]:
    return [line.strip() for line in message.splitlines() if line.strip().startswith("export ")]


def test_a_stack_elsewhere_tells_how_every_command_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = exports(message_of(tmp_path / "elsewhere"))
    environ = dict(word.split("=", 1) for word in shlex.split(line)[1:])
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert api_address(None, environ, tmp_path).value == ADDRESSES.api
    assert find_kafka(environ, tmp_path).kafka.bootstrap_servers == ADDRESSES.kafka
    assert load_settings(Settings).redis.url.get_secret_value() == ADDRESSES.redis


def test_a_stack_in_the_default_place_is_found_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert exports(message_of(DEFAULT_DATA_DIR)) == []


def test_a_file_of_this_folder_is_one_that_a_shell_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ". ./worker.env;" in message_of(Path())

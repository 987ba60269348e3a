from pathlib import Path

import pytest
from redis.asyncio import Redis

from cli.stack.errors import StackError
from cli.stack.valkey import find_valkey, prepare_valkey, running_valkey


def _names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def test_what_was_written_outlives_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "a space, a \" and a ', \\x41 #\u00e9\u5b50"
    async with running_valkey(folder) as url, Redis.from_url(url) as client:
        await client.set("kept", "yes")
    async with running_valkey(folder) as url, Redis.from_url(url) as client:
        assert await client.get("kept") == b"yes"
    assert _names_in(tmp_path) == {folder.name}
    assert _names_in(folder / "valkey") == {"valkey.conf", "appendonlydir"}


async def test_it_never_evicts_and_appends_every_second(tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url, Redis.from_url(url) as client:
        settings = await client.config_get("*")
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["bind"] == "127.0.0.1"


def _server(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", "ascii")
    file.chmod(0o755)
    return file


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)


@pytest.mark.usefixtures("no_wheel")
def test_without_the_wheel_a_server_on_the_path_is_used_if_it_runs(tmp_path: Path) -> None:
    _server(tmp_path, "valkey-server", "exit 127")
    redis = _server(tmp_path, "redis-server", "exit 0")
    assert find_valkey({"PATH": str(tmp_path)}) == redis


@pytest.mark.usefixtures("no_wheel")
def test_where_no_server_runs_the_error_says_what_was_tried(tmp_path: Path) -> None:
    broken = _server(tmp_path, "valkey-server", "exit 127")
    with pytest.raises(StackError, match=f"no Valkey or Redis server \\({broken} does not run\\)"):
        find_valkey({"PATH": str(tmp_path)})
    with pytest.raises(StackError, match=r"\(none found\)"):
        find_valkey({"PATH": str(tmp_path / "empty")})


def test_a_child_is_prepared_without_being_started(tmp_path: Path) -> None:
    child = prepare_valkey(Path("/usr/bin/valkey-server"), 6380, tmp_path / "valkey", tmp_path / "logs")
    assert child.argv == ("/usr/bin/valkey-server", str(tmp_path / "valkey" / "valkey.conf"))
    assert "port 6380\n" in (tmp_path / "valkey" / "valkey.conf").read_text("utf-8")

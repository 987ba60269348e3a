import hashlib
from pathlib import Path

import pytest

from cli.stack.errors import StackError
from cli.stack.kafka_jars import LOCK, Jar, download_jars, locked_jars, missing_jars

CONTENT = b"a jar, nearly"


@pytest.fixture
def jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jar:
    """A jar that only the local Maven repository has; no network is asked, as none could have it."""
    settings = tmp_path / "jgo.conf"
    settings.write_text(
        f"[settings]\nrepo_cache = {tmp_path / 'maven'}\n[repositories]\ncentral = http://127.0.0.1:9/\n", "utf-8"
    )
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
    file = tmp_path / "maven" / "org" / "example" / "thing" / "1.0" / "thing-1.0.jar"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    return Jar("org.example", "thing", "1.0", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_the_lock_names_kafka_its_logging_and_a_hash_for_every_jar() -> None:
    jars = locked_jars(LOCK.read_text("ascii"))
    assert {"kafka_2.13", "kafka-clients", "log4j-slf4j-impl", "log4j-core"} <= {jar.artifact for jar in jars}
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {"4.4.0"}
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in jars)
    assert len({jar.file_name for jar in jars}) == len(jars)


async def test_a_jar_of_the_local_repository_comes_without_the_network(jar: Jar, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    assert missing_jars([jar], folder) == [jar]
    arrived: list[int] = []
    await download_jars([jar], folder, arrived.append)
    assert missing_jars([jar], folder) == []
    assert (folder / "thing-1.0.jar").read_bytes() == CONTENT
    assert [file.name for file in folder.iterdir()] == ["thing-1.0.jar"]
    assert sum(arrived) == len(CONTENT)


async def test_a_jar_that_is_not_the_expected_one_is_refused(jar: Jar, tmp_path: Path) -> None:
    other = Jar(jar.group, jar.artifact, jar.version, jar.size_bytes, "0" * 64)
    folder = tmp_path / "cache"
    with pytest.raises(StackError, match=r"org\.example:thing:1\.0 is not the expected one"):
        await download_jars(missing_jars([other], folder), folder, lambda _bytes: None)
    assert list(folder.iterdir()) == []


async def test_without_a_network_the_error_is_one_line(jar: Jar, tmp_path: Path) -> None:
    other = Jar("org.example", "absent", "1.0", 1, jar.sha256)
    folder = tmp_path / "cache"
    with pytest.raises(StackError, match=r"org\.example:absent:1\.0 cannot be downloaded .* is there a network\?$"):
        await download_jars(missing_jars([other], folder), folder, lambda _bytes: None)


def test_a_jar_that_broke_off_counts_as_missing(jar: Jar, tmp_path: Path) -> None:
    (tmp_path / jar.file_name).write_bytes(CONTENT[:-1])
    assert missing_jars([jar], tmp_path) == [jar]

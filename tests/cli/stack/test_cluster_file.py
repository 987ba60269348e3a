from pathlib import Path

import pytest

from cli.stack.cluster_file import Cluster, read_cluster, write_cluster
from cli.stack.errors import StackError


def test_a_cluster_is_read_as_it_was_written(tmp_path: Path) -> None:
    cluster = Cluster("MkU3OEVBNTcwNTJENDM2Qg", 3)
    assert read_cluster(tmp_path / "kafka") is None
    write_cluster(tmp_path / "kafka", cluster)
    assert read_cluster(tmp_path / "kafka") == cluster


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"cluster_id": "x", "brokers": "1"}',
        b'{"cluster_id": 7, "brokers": 1}',
        b'{"cluster_id": "x", "bro',
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cluster.json"
    file.write_bytes(content)
    with pytest.raises(StackError) as refused:
        read_cluster(tmp_path)
    assert str(refused.value).startswith(f"{file} is damaged, ")
    assert f"remove {tmp_path} to begin without its tasks" in str(refused.value)


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "kafka").touch()
    with pytest.raises(StackError, match="kafka is no folder"):
        read_cluster(tmp_path / "kafka")

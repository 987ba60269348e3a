import os
from pathlib import Path

import pytest

from cli.stack.data_dir import claimed_data_dir
from cli.stack.errors import StackError


def test_a_second_stack_on_the_same_folder_is_refused_naming_the_first(tmp_path: Path) -> None:
    with (
        claimed_data_dir(tmp_path, ephemeral=False),
        pytest.raises(StackError, match=rf"another promptmill up \(process {os.getpid()}\)"),
        claimed_data_dir(tmp_path, ephemeral=False),
    ):
        pass


def test_a_folder_can_be_claimed_again_and_keeps_its_data(tmp_path: Path) -> None:
    with claimed_data_dir(tmp_path / "new", ephemeral=False) as data_dir:
        (data_dir.path / "kept").touch()
    with claimed_data_dir(tmp_path / "new", ephemeral=False) as data_dir:
        assert (data_dir.path / "kept").exists()


def test_an_ephemeral_folder_is_removed_at_the_end(tmp_path: Path) -> None:
    with claimed_data_dir(tmp_path / "new", ephemeral=True) as data_dir:
        data_dir.kafka.mkdir()
        assert data_dir.path.exists()
    assert not (tmp_path / "new").exists()


def _fail_in(folder: Path) -> None:
    with claimed_data_dir(folder, ephemeral=True) as data_dir:
        data_dir.logs.mkdir()
        raise StackError("kafka-1 ended")


def test_an_ephemeral_folder_stays_after_an_error_for_its_logs_and_serves_again(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with pytest.raises(StackError):
        _fail_in(folder)
    assert (folder / "logs").exists()
    with claimed_data_dir(folder, ephemeral=True):
        pass
    assert not folder.exists()


def test_a_folder_with_anything_else_in_it_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with (
        pytest.raises(StackError, match="not empty and --ephemeral would remove it"),
        claimed_data_dir(tmp_path, ephemeral=True),
    ):
        pass
    assert (tmp_path / "precious").exists()


def test_data_of_a_lasting_stack_is_never_removed(tmp_path: Path) -> None:
    with claimed_data_dir(tmp_path / "new", ephemeral=False):
        pass
    with pytest.raises(StackError, match="--ephemeral"), claimed_data_dir(tmp_path / "new", ephemeral=True):
        pass


def test_a_second_ephemeral_stack_does_not_remove_the_folder_of_the_first(tmp_path: Path) -> None:
    with claimed_data_dir(tmp_path / "new", ephemeral=True) as data_dir:
        with pytest.raises(StackError, match="another promptmill up"), claimed_data_dir(data_dir.path, ephemeral=True):
            pass
        assert data_dir.path.exists()


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StackError, match="cannot be used: Not a directory"),
        claimed_data_dir(tmp_path / "file" / "under it", ephemeral=False),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "fault"), [("a,b", "comma"), ("a\nb", "control character"), ("a\x7fb", "control"), ("\udcff", "not UTF-8")]
)
def test_a_name_that_kafka_or_valkey_would_misread_is_refused_and_nothing_is_made(
    tmp_path: Path, name: str, fault: str
) -> None:
    with pytest.raises(StackError, match=fault) as refused, claimed_data_dir(tmp_path / name, ephemeral=False):
        pass
    assert str(refused.value).isascii()
    assert str(refused.value).isprintable()
    assert list(tmp_path.iterdir()) == []

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.stack.errors import StackError
from cli.stack.pid_file import PidFile, started_at


def test_a_running_process_is_found_again(tmp_path: Path) -> None:
    PidFile.of(tmp_path / "pids", "api").write(os.getpid())
    assert PidFile.of(tmp_path / "pids", "api").running_pid() == os.getpid()


def test_a_process_that_ended_is_not_running(tmp_path: Path) -> None:
    file = PidFile.of(tmp_path, "api")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        file.write(process.pid)
        assert file.running_pid() == process.pid
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    assert file.running_pid() is None


def test_a_zombie_is_not_running(tmp_path: Path) -> None:
    file = PidFile.of(tmp_path, "api")
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    file.write(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet collected
    assert file.running_pid() is None
    process.communicate()


def test_another_process_with_the_same_id_is_not_taken_for_ours(tmp_path: Path) -> None:
    file = PidFile.of(tmp_path, "api")
    file.path.write_text(f"{os.getpid()} 1\n", "ascii")
    assert file.running_pid() is None


def test_a_file_that_is_missing_empty_or_damaged_names_no_process(tmp_path: Path) -> None:
    file = PidFile.of(tmp_path, "api")
    assert file.running_pid() is None
    too_long = "9" * 5_000
    for damaged in ("", "\n", "x y\n", f"{os.getpid()}\n", "\u0661 1\n", "\u00e9", f"{too_long} 1\n"):
        file.path.write_text(damaged, "utf-8")
        assert file.running_pid() is None


def test_what_cannot_be_read_is_not_taken_for_a_process_that_ended(tmp_path: Path) -> None:
    file = PidFile.of(tmp_path, "api")
    file.path.mkdir()
    with pytest.raises(StackError, match=r"api\.pid cannot be read: Is a directory; see that the process it names"):
        file.running_pid()


def test_a_file_that_cannot_be_written_whole_is_left_as_it_was(tmp_path: Path) -> None:
    file = PidFile.of(tmp_path, "api")
    file.write(os.getpid())
    (tmp_path / ".api.pid.new").symlink_to("/dev/full")
    with pytest.raises(StackError, match=r"api\.pid cannot be written: No space left on device"):
        file.write(1)
    assert file.running_pid() == os.getpid()


def test_a_process_starts_once() -> None:
    assert started_at(os.getpid()) == started_at(os.getpid()) is not None

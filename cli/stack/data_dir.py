import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.stack.errors import StackError
from cli.stack.usable_path import check_usable

_LOCK = "lock"
_EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class DataDir:
    """What one stack keeps on disk."""

    path: Path

    @property
    def kafka(self) -> Path:
        """Kafka's configuration and data, one folder per broker."""
        return self.path / "kafka"

    @property
    def valkey(self) -> Path:
        """Valkey's configuration and data."""
        return self.path / "valkey"

    @property
    def logs(self) -> Path:
        """One log per child."""
        return self.path / "logs"

    @property
    def pids(self) -> Path:
        """One file per running child."""
        return self.path / "pids"


@contextmanager
def claimed_data_dir(path: Path, *, ephemeral: bool) -> Iterator[DataDir]:
    """Make the folder if need be and keep it to this process; an ephemeral one is removed at a good end.

    After an error its logs are worth more than its tidiness, so it stays. Raises StackError when another process
    has the folder, when its name cannot be used, or when it holds anything that an ephemeral stack did not put there.
    """
    path = path.resolve()
    check_usable(path)
    try:
        if ephemeral:
            _mark_ephemeral(path)
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _lock(lock, path)
        if not ephemeral:
            (path / _EPHEMERAL).unlink(missing_ok=True)
        yield DataDir(path)
        if ephemeral:
            shutil.rmtree(path)
    finally:
        os.close(lock)


def _mark_ephemeral(path: Path) -> None:
    mark = path / _EPHEMERAL
    if path.exists() and any(path.iterdir()) and not mark.exists():
        raise StackError(f"{path} is not empty and --ephemeral would remove it: choose another --data-dir")
    path.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _lock(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
        raise StackError(
            f"another promptmill up (process {holder}) uses {path}: stop it, or choose another --data-dir"
        ) from None
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> StackError:
    return StackError(f"the data dir {path} cannot be used: {error.strerror}")

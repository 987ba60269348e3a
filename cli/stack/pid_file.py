"""Which processes of ours run: one file each, with what tells a process from a later one of the same id."""

import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# In /proc/PID/stat, counted after the name: the name stands in parentheses and may hold anything.
_STATE_FIELD = 0
_START_TIME_FIELD = 19


@dataclass(frozen=True, slots=True)
class PidFile:
    """The file of one child; `path` need not exist."""

    path: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> Self:
        """Return the file of the child called `name`."""
        return cls(folder / f"{name}.pid")

    def write(self, pid: int) -> None:
        """Note that the child runs as `pid`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(f"{pid} {started_at(pid) or ''}\n", "ascii")

    def remove(self) -> None:
        """Note that the child does not run."""
        self.path.unlink(missing_ok=True)

    def running_pid(self) -> int | None:
        """Return the id of the process noted if that very process still runs."""
        try:
            pid, _, started = self.path.read_text("ascii").strip().partition(" ")
        except FileNotFoundError:
            return None
        if not pid.isdigit() or not started or started_at(int(pid)) != started:
            return None
        return int(pid)


def started_at(pid: int) -> str | None:
    """Return when the process started, in the system's own form, or None when it does not run."""
    if platform.system() == "Linux":
        return _started_at_on_linux(pid)
    shown = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S603 (a number is its only argument)
    return shown.stdout.decode("ascii", "replace").strip() or None


def _started_at_on_linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE_FIELD] in "ZX" else fields[_START_TIME_FIELD]

"""Which processes of ours run: one file each, with what tells a process from a later one of the same id."""

import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cli.stack.errors import StackError
from cli.stack.whole_file import write_whole

# In /proc/PID/stat, counted after the name: the name stands in parentheses and may hold anything.
_STATE_FIELD = 0
_START_TIME_FIELD = 19

# A process id has at most seven digits on Linux, five on macOS.
_NOTED = re.compile(r"([0-9]{1,10}) (.+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class PidFile:
    """The file of one child; `path` need not exist."""

    path: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> Self:
        """Return the file of the child called `name`."""
        return cls(folder / f"{name}.pid")

    def write(self, pid: int) -> None:
        """Note that the child runs as `pid`. Raises StackError."""
        write_whole(self.path, f"{pid} {started_at(pid) or ''}\n")

    def remove(self) -> None:
        """Note that the child does not run."""
        self.path.unlink(missing_ok=True)

    def running_pid(self) -> int | None:
        """Return the id of the process noted if that very process still runs; a damaged file names none.

        Raises StackError when the file cannot be read.
        """
        try:
            text = self.path.read_text("ascii", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StackError(
                f"{self.path} cannot be read: {error.strerror}; see that the process it names has ended and remove it"
            ) from error
        noted = _NOTED.fullmatch(text.strip())
        if noted is None or started_at(int(noted[1])) != noted[2]:
            return None
        return int(noted[1])


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

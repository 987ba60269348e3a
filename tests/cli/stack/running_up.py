"""`promptmill up` as a test runs it: a process, and what its stack.json says."""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.stack.child import Child
from cli.stack.pid_file import PidFile
from tests.support.processes import LiveProcess

# PYTHONPATH: a checkout that is not the installed one is tested as itself.
_FROM_OUTSIDE = ("HOME", "LANG", "PATH", "PYTHONPATH", "TZ", "XDG_CACHE_HOME")


class Up:
    """One data dir, and `promptmill up` on it."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.data_dir = folder / "data"
        self._file = self.data_dir / "stack.json"
        outside = {name: os.environ[name] for name in _FROM_OUTSIDE if name in os.environ}
        self.child = Child(
            name="up",
            argv=(sys.executable, "-P", "-m", "cli", "up", "--data-dir", str(self.data_dir), *options),
            log=folder / "up.log",
            ready=self.is_ready,
            env={**outside, **environment},
            stop_seconds=60,
        )
        self.process = LiveProcess(self.child)

    async def is_ready(self) -> bool:
        return self._file.exists() and set(all_pids(self.stack)) == set(self.running_pids())

    @property
    def stack(self) -> dict[str, Any]:
        """What stack.json says now."""
        content: dict[str, Any] = json.loads(self._file.read_text("utf-8"))
        return content

    def running_pids(self) -> list[int]:
        """Every child that was noted and runs."""
        noted = (PidFile(path).running_pid() for path in (self.data_dir / "pids").glob("*.pid"))
        return [pid for pid in noted if pid is not None]

    def said(self) -> str:
        """What it has printed, of all its runs."""
        return self.process.log()

    def backs(self) -> set[str]:
        """The children that it has replaced so far."""
        return set(re.findall(r"^(\S+) is back", self.said(), re.MULTILINE))


def all_pids(stack: dict[str, Any]) -> Sequence[int]:
    """Every process that stack.json names."""
    pids = stack["pids"]
    single = [pid for pid in (pids["redis"], pids["llm"]) if pid is not None]
    return [*pids["api"], *pids["workers"], *pids["kafka"], *single]

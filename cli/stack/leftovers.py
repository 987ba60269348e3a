import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cli.stack.pid_file import PidFile

_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.05


async def end_leftovers(
    folder: Path, say: Callable[[str], None], *, patience_seconds: float = _PATIENCE_SECONDS
) -> None:
    """End the children that an earlier run noted in `folder` and left behind, then forget them.

    They would hold the ports and the data. Only processes that are certainly ours are touched: asked first, ended by
    force after `patience_seconds`.
    """
    await asyncio.gather(*(_end(PidFile(path), say, patience_seconds) for path in pid_files(folder)))


def pid_files(folder: Path) -> list[Path]:
    """Return the pid files in `folder`, which need not exist."""
    return sorted(folder.glob("*.pid"))


async def _end(file: PidFile, say: Callable[[str], None], patience_seconds: float) -> None:
    pid = file.running_pid()
    if pid is not None:
        say(f"ending {file.path.stem} (process {pid}), left behind by an earlier run")
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(patience_seconds):
                await _gone(file)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            await _gone(file)
    file.remove()


async def _gone(file: PidFile) -> None:
    while file.running_pid() is not None:  # noqa: ASYNC110 (another process's child: there is no event)
        await asyncio.sleep(_LOOK_SECONDS)

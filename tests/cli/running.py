import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# PYTHONPATH: a checkout that is not the installed one is tested as itself.
_FROM_OUTSIDE = ("HOME", "LANG", "PATH", "PYTHONPATH", "TZ")
_DEADLINE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Finished:
    """What one run of the command left behind."""

    status: int
    output: str
    errors: str


async def start_command(
    *arguments: str, folder: Path, environ: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start `promptmill` in `folder`, nothing of a developer's own settings around it."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        *arguments,
        cwd=folder,
        env={name: os.environ[name] for name in _FROM_OUTSIDE if name in os.environ} | dict(environ or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(process: asyncio.subprocess.Process, stdin: bytes = b"") -> Finished:
    """Wait for the command's end."""
    async with asyncio.timeout(_DEADLINE_SECONDS):
        output, errors = await process.communicate(stdin)
    assert process.returncode is not None
    return Finished(process.returncode, output.decode(), errors.decode())


async def run_command(
    *arguments: str, folder: Path, environ: Mapping[str, str] | None = None, stdin: bytes = b""
) -> Finished:
    """Run `promptmill` to its end."""
    return await finish(await start_command(*arguments, folder=folder, environ=environ), stdin)

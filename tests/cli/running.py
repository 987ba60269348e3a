import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    with _children_heed_ctrl_c():
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


@contextmanager
def _children_heed_ctrl_c() -> Iterator[None]:
    """A shell has what it runs in the background ignore SIGINT, and so do the children of that; not those of the body.

    A signal that has a handler here has its default action in a child.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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

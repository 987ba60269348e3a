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
    return await start_program(sys.executable, "-m", "cli", *arguments, folder=folder, environ=environ)


async def run_redirected(
    *arguments: str, redirection: str, folder: Path, environ: Mapping[str, str] | None = None
) -> Finished:
    """Run `promptmill` to its end with its streams as a shell redirects them, such as `>/dev/full`."""
    script = f'exec "$0" "$@" {redirection}'
    argv = ("sh", "-c", script, sys.executable, "-m", "cli", *arguments)
    return await finish(await start_program(*argv, folder=folder, environ=environ))


async def start_program(
    *argv: str, folder: Path, environ: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """The same of any program."""
    with _children_heed_ctrl_c():
        return await asyncio.create_subprocess_exec(
            *argv,
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

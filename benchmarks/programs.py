"""Programs under measurement: real processes, with the same environment for all."""

import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from cli.stack.child import Child, ending, running

# Nothing else from outside: settings of the one who measures must not decide a figure.
_FROM_OUTSIDE = ("HOME", "LANG", "PATH", "PYTHONPATH", "TZ", "XDG_CACHE_HOME")


class ProgramFailed(RuntimeError):  # noqa: N818 - says what happened
    """A program ended otherwise than well; the text says where its log is."""


async def at_once() -> bool:
    """Say that a program is ready as soon as it runs: the model will see its first call."""
    return True


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what programs see of the environment, with this checkout first on Python's path."""
    root = str(Path(__file__).parents[1])
    paths = [root, *(environ.get("PYTHONPATH", "").split(os.pathsep))]
    kept = {name: environ[name] for name in _FROM_OUTSIDE if name in environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(dict.fromkeys(path for path in paths if path))}


def module_child(
    name: str,
    module: str,
    *arguments: str,
    log: Path,
    env: Mapping[str, str],
    ready: Callable[[], Awaitable[bool]] = at_once,
    python: str = sys.executable,
    stop_seconds: float = 10,
) -> Child:
    """Return `python -m module arguments…`, to be launched in a clean environment.

    Args:
        name: What it is called where it fails.
        module: What runs.
        arguments: Its command line.
        log: Where its output goes.
        env: The environment to take from.
        ready: Whether it can be used.
        python: The interpreter, of another environment for other people's programs.
        stop_seconds: How long it may take to end.
    """
    return Child(
        name=name,
        argv=(python, "-P", "-m", module, *arguments),
        log=log,
        ready=ready,
        env=clean_environment(env),
        stop_seconds=stop_seconds,
    )


async def report_of(child: Child) -> Any:
    """Run a program to its end and return what its last line says, as JSON.

    Raises:
        ProgramFailed: It did not end well.
    """
    child.log.unlink(missing_ok=True)
    await completion_of(child)
    return last_report(child)


def last_report(child: Child) -> Any:
    """Return what the last line of a program that has ended well says, as JSON."""
    return json.loads(child.log.read_text("utf-8").splitlines()[-1])


async def completion_of(child: Child) -> None:
    """Run a program to its end.

    Raises:
        ProgramFailed: It did not end well.
    """
    async with running([child]) as [process]:
        status = await process.wait()
    if status != 0:
        raise ProgramFailed(f"{child.name} {ending(status)}; see {child.log}")

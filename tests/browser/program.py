"""Which browser the tests drive: one that this machine has, else one that is brought here once."""

import asyncio
import fcntl
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.stack.cache import cache_dir

VARIABLE = "PROMPTMILL_TEST_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_LAST_LINES = 15


class NoBrowser(RuntimeError):  # noqa: N818 - a fact about the machine
    """There is none, and none could be brought here: the text says what to do."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the choice depends on. `own` is where Playwright puts a browser of its own."""

    environ: Mapping[str, str]
    own: Path
    is_root: bool
    which: Callable[[str], str | None] = shutil.which
    exists: Callable[[Path], bool] = Path.exists


def installed(machine: Machine) -> Path | None:
    """The browser that is here: the one that is named, the system's, Playwright's own.

    Raises:
        NoBrowser: the one that is named does not exist.
    """
    if named := machine.environ.get(VARIABLE):
        found = machine.which(named)
        if found is None:
            raise NoBrowser(f"{VARIABLE}={named}: there is no such program.")
        return Path(found)
    for name in _NAMES:
        if found := machine.which(name):
            return Path(found)
    return machine.own if machine.exists(machine.own) else None


def ways(machine: Machine) -> list[list[Sequence[str]]]:
    """How one could be brought here, the best first: the commands of each way."""
    known: list[list[Sequence[str]]] = []
    if machine.is_root and machine.which("apt-get"):
        install = ("apt-get", "install", "-y", "--no-install-recommends", "chromium")
        known.append([("apt-get", "update", "-q"), install])
    known.append([(sys.executable, "-m", "playwright", "install", "chromium")])
    return known


async def browser_program(own: Path) -> Path:
    """The browser's program; where there is none it is installed, which takes a minute or two.

    Raises:
        NoBrowser: none could be.
    """
    machine = Machine(os.environ, own, is_root=os.geteuid() == 0)
    # Several processes of tests come here at once.
    async with _one_at_a_time(cache_dir(os.environ) / "browser.lock"):
        found = installed(machine)
        said: list[str] = []
        for way in [] if found else ways(machine):
            said.append(await _follow(way))
            found = installed(machine)
            if found:
                break
    if found is None:
        raise NoBrowser(advice(said))
    return found


def advice(said: Sequence[str]) -> str:
    """What to do where nothing helped; `said` is what each attempt came to."""
    attempts = "\n\n".join(said)
    return (
        "The dashboard is tested in a real browser, and this machine has none that could be found or installed.\n"
        "Install Chromium: `apt-get install chromium` as root on Debian and Ubuntu, your system's package elsewhere,\n"
        f"or `python -m playwright install chromium`. {VARIABLE} names a browser that is somewhere else.\n\n{attempts}"
    )


async def _follow(way: Sequence[Sequence[str]]) -> str:
    """Run the commands until one fails; what they came to, in words."""
    for command in way:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            last = "\n".join(output.decode(errors="replace").splitlines()[-_LAST_LINES:])
            return f"$ {' '.join(command)}\n{last}\n(exit status {process.returncode})"
    return f"$ {' '.join(way[-1])}\n(done, and still no browser is found)"


@asynccontextmanager
async def _one_at_a_time(file: Path) -> AsyncIterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield

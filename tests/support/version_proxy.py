"""Redis as an older one would speak of itself."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_VERSION = re.compile(rb"redis_version:\d")


@asynccontextmanager
async def redis_of_major_version(major: int, url: str) -> AsyncIterator[str]:
    """Pass everything to the Redis at `url` and back, the first digit of its version exchanged; yields an address."""
    address = urlsplit(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(address.hostname, address.port)
        try:
            with suppress(ConnectionError):
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pass_on(reader, before))
                    both.create_task(_pass_on(behind, writer, version=b"redis_version:%d" % major))
        finally:
            before.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        server.close()
        await server.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, version: bytes | None = None) -> None:
    while content := await reader.read(65536):
        # One reply of INFO comes in one piece over loopback.
        writer.write(content if version is None else _VERSION.sub(version, content))
        await writer.drain()
    writer.close()

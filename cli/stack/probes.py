"""Questions to a server that may not be up yet: each answers yes or no and raises nothing."""

import asyncio
from contextlib import closing

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

_ATTEMPT_SECONDS = 2.0


async def answers(port: int, request: bytes, reply: bytes) -> bool:
    """Tell whether a server on this machine answers `request` with something that begins with `reply`."""
    try:
        async with asyncio.timeout(_ATTEMPT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with closing(writer):
                writer.write(request)
                return await reader.readexactly(len(reply)) == reply
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


async def http_ok(port: int, path: str) -> bool:
    """Tell whether GET `path` answers 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    return await answers(port, request.encode(), b"HTTP/1.1 200")


async def redis_ok(port: int) -> bool:
    """Tell whether the store has loaded its data and takes commands."""
    return await answers(port, b"PING\r\n", b"+PONG")


async def kafka_ok(address: str) -> bool:
    """Tell whether the broker takes requests and is registered with the controller."""
    if not await answers(int(address.rpartition(":")[2]), b"", b""):
        return False
    client = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=int(_ATTEMPT_SECONDS * 1000))
    try:
        async with asyncio.timeout(2 * _ATTEMPT_SECONDS):
            await client.start()
            cluster = await client.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await client.close()
    return address in {f"{broker['host']}:{broker['port']}" for broker in cluster["brokers"]}

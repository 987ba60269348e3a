"""Kafka and Valkey that speak TLS alone, and to those alone who show a certificate."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from cli.stack.kafka import prepare_kafka
from cli.stack.kafka_config import Node
from cli.stack.kafka_install import install_kafka
from cli.stack.ports import Ports
from tests.support.certificates import CERTIFICATE, KEY
from tests.support.processes import Processes

_CHUNK_BYTES = 65536


async def own_encrypted_kafka(processes: Processes, ports: Ports, folder: Path) -> str:
    """Start a Kafka with its data and log in ``folder``; returns the address that wants certificates."""
    node = Node(1, ports.free(), ports.free(), folder / "kafka" / "1")
    address = f"127.0.0.1:{ports.free()}"
    program = await install_kafka(os.environ, lambda _total: None, lambda _bytes: None)
    (child,) = await prepare_kafka(program, [node], folder / "kafka", folder / "logs")
    keystore = folder / "keystore.pem"
    keystore.write_bytes(KEY.read_bytes() + CERTIFICATE.read_bytes())
    settings = {
        "listeners": f"BROKER://{node.address},CONTROLLER://127.0.0.1:{node.controller_port},CLIENT://{address}",
        "advertised.listeners": f"BROKER://{node.address},CLIENT://{address}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:SSL",
        "listener.name.client.ssl.client.auth": "required",
        "listener.name.client.ssl.keystore.type": "PEM",
        "listener.name.client.ssl.keystore.location": keystore,
        "listener.name.client.ssl.truststore.type": "PEM",
        "listener.name.client.ssl.truststore.location": CERTIFICATE,
    }
    # What stands last in the file holds.
    with node.properties.open("a", encoding="ascii") as file:
        file.writelines(f"{name}={value}\n" for name, value in settings.items())
    await processes.start(child)
    return address


@asynccontextmanager
async def encrypted(url: str) -> AsyncIterator[str]:
    """Put TLS before a Valkey, which is built without, as an operator would; yields the address to use."""
    target = urlsplit(url)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=CERTIFICATE)
    context.load_cert_chain(CERTIFICATE, KEY)
    context.verify_mode = ssl.CERT_REQUIRED

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(_passed_on(reader, back), _passed_on(onward, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}{target.path}"


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until one side is closed, then close the other."""
    with suppress(ConnectionError, ssl.SSLError):
        while content := await reader.read(_CHUNK_BYTES):
            writer.write(content)
            await writer.drain()
    writer.close()

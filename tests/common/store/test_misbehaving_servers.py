"""Servers that speak the protocol badly, or over other transports than TCP."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from common.connections import create_redis_link
from common.settings import RedisSettings
from common.store.link import RedisLink, StoreUnavailable
from common.store.replies import INCOMPLETE, reply_reader
from tests.support.certificates import CERTIFICATE, KEY

BOUND_SECONDS = 10.0

Answer = Callable[[asyncio.StreamWriter, list[bytes]], Awaitable[None]]


class Server:
    """Welcomes every connection as Redis does, and answers what follows as the test has it."""

    def __init__(self, answer: Answer) -> None:
        self.connections = 0
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        parser = reply_reader()
        try:
            while content := await reader.read(65536):
                parser.feed(content)
                while (command := parser.gets()) is not INCOMPLETE:
                    if command[0] in {b"CLIENT", b"SELECT", b"AUTH"}:
                        writer.write(b"+OK\r\n")
                    else:
                        await self._answer(writer, command)
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def linked(server: Server, *, timeout_seconds: float = 0.3) -> AsyncIterator[RedisLink]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        url = f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        link = create_redis_link(
            RedisSettings.model_validate({"url": url, "timeout_seconds": timeout_seconds}), "tests"
        )
        yield link
        await link.aclose()


async def echo(writer: asyncio.StreamWriter, command: list[bytes]) -> None:
    writer.write(b"$%d\r\n%b\r\n" % (len(command[-1]), command[-1]))


async def cut_in_the_middle(writer: asyncio.StreamWriter, _command: list[bytes]) -> None:
    writer.write(b"$100\r\nonly a par")
    writer.close()


async def silent(_writer: asyncio.StreamWriter, _command: list[bytes]) -> None:
    pass


async def half_an_answer(writer: asyncio.StreamWriter, _command: list[bytes]) -> None:
    writer.write(b"$100000\r\nonly a par")


async def garbage(writer: asyncio.StreamWriter, _command: list[bytes]) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def closed(writer: asyncio.StreamWriter, _command: list[bytes]) -> None:
    writer.close()


@pytest.mark.parametrize("answer", [cut_in_the_middle, silent, half_an_answer, garbage, closed])
async def test_every_caller_of_a_bad_server_is_told_within_three_attempts(answer: Answer) -> None:
    server = Server(answer)
    async with linked(server) as link, asyncio.timeout(BOUND_SECONDS):
        found = await asyncio.gather(*(link.execute("ECHO", "a") for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in found} == {StoreUnavailable}
    assert server.connections >= 3


async def test_what_one_connection_lost_is_asked_again_over_the_next() -> None:
    async def answer(writer: asyncio.StreamWriter, command: list[bytes]) -> None:
        if server.connections < 3:
            writer.write(b"$5\r\nwro")
            writer.close()
        else:
            await echo(writer, command)

    server = Server(answer)
    async with linked(server) as link:
        texts = [f"text {number}" for number in range(20)]
        found = await asyncio.gather(*(link.execute("ECHO", text) for text in texts), return_exceptions=True)
        again = await asyncio.gather(*(link.execute("ECHO", text) for text in texts))
    told = [text.encode() for text in texts]
    # Nobody got what was another's, or a part of it; on the second day all is well.
    assert all(isinstance(one, StoreUnavailable) or one == text for one, text in zip(found, told, strict=True))
    assert again == told


async def test_a_server_that_refuses_the_greeting_is_out_of_reach() -> None:
    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"-ERR max number of clients reached\r\n")
        writer.close()

    listening = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with listening:
        url = f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        link = create_redis_link(RedisSettings.model_validate({"url": url, "timeout_seconds": 0.3}), "tests")
        with pytest.raises(StoreUnavailable):
            await link.execute("PING")
        await link.aclose()


async def test_a_slow_server_that_gives_signs_of_life_is_waited_for() -> None:
    async def slowly(writer: asyncio.StreamWriter, command: list[bytes]) -> None:
        content = b"$%d\r\n%b\r\n" % (len(command[-1]), command[-1])
        pace = asyncio.Event()
        for at in range(len(content)):
            pace.clear()
            asyncio.get_running_loop().call_later(0.03, pace.set)
            await pace.wait()
            writer.write(content[at : at + 1])

    server = Server(slowly)
    async with linked(server, timeout_seconds=0.25) as link:
        assert await link.execute("ECHO", "a slow answer of thirty bytes") == b"a slow answer of thirty bytes"
    assert server.connections == 1


async def test_tls_is_spoken_and_the_certificate_checked() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, KEY)
    listening = await asyncio.start_server(Server(echo).serve, "127.0.0.1", 0, ssl=context)
    async with listening:
        address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        trusting = f"rediss://{address}/2?ssl_ca_certs={CERTIFICATE}"
        link = create_redis_link(RedisSettings.model_validate({"url": trusting}), "tests")
        found = await asyncio.gather(*(link.execute("ECHO", f"text {number}") for number in range(50)))
        assert found == [f"text {number}".encode() for number in range(50)]
        await link.aclose()
        doubting = create_redis_link(RedisSettings.model_validate({"url": f"rediss://{address}"}), "tests")
        with pytest.raises(StoreUnavailable, match="SSLCertVerificationError"):
            await doubting.execute("PING")
        await doubting.aclose()


async def test_a_unix_socket_is_an_address_too(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    listening = await asyncio.start_unix_server(Server(echo).serve, path)
    async with listening:
        link = create_redis_link(RedisSettings.model_validate({"url": f"unix://{path}"}), "tests")
        assert await link.execute("ECHO", "a") == b"a"
        await link.aclose()

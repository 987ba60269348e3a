"""Heads within bounds, on a real server of little patience."""

import asyncio
import socket
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
import uvicorn

from common.bounded_http import MAX_HEAD_BYTES, BoundedHttpProtocol
from tests.support.waiting import until

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"
LONG_HEADER = b"a: " + b"a" * MAX_HEAD_BYTES


class Impatient(BoundedHttpProtocol):
    head_seconds: ClassVar[float] = 0.2
    untaken_seconds: ClassVar[float] = 0.2


@dataclass
class Echo:
    """Answers with the request's body, as soon as it may."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.called.set()
        body, more = b"", True
        while more:
            message: MutableMapping[str, Any] = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.asked.set()
        await self.may_answer.wait()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Client:
    """One connection, read and written by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> tuple[int, str, bytes]:
        """Status, head and body of the next answer."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return int(head.split()[1]), head, await self._reader.readexactly(length)

    async def rest(self) -> bytes:
        """What comes until the server ends the connection."""
        return await self._reader.read()


@pytest.fixture
def echo() -> Echo:
    echo = Echo()
    echo.may_answer.set()
    return echo


async def started(app: Any, http: type[BoundedHttpProtocol], listener: socket.socket) -> uvicorn.Server:
    config = uvicorn.Config(
        app, http=http, lifespan="off", log_config=None, ws="none", timeout_keep_alive=1, server_header=False
    )
    await asyncio.to_thread(config.load)
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    return server


@pytest.fixture
async def client(echo: Echo) -> AsyncIterator[Client]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = await started(echo, Impatient, listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    yield Client(reader, writer)
    echo.may_answer.set()
    writer.transport.abort()
    await server.shutdown([listener])


async def test_a_head_may_come_byte_by_byte_and_each_has_the_whole_time(client: Client) -> None:
    for _ in range(3):
        for byte in GET + b"\r\n":
            await client.send(bytes([byte]))
        status, head, _ = await client.answer()
        assert status == 200
        assert "connection: close" not in head


@pytest.mark.parametrize(
    ("request_before", "begun"),
    [
        (b"", GET),
        (b"", b"G"),
        (b"", b"\r\n"),
        (POST + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"a: b"),
        (POST + b"transfer-encoding: chunked\r\n\r\n", b"2;a"),
    ],
)
async def test_a_head_or_trailer_that_does_not_end_is_a_408_and_the_end(
    client: Client, echo: Echo, request_before: bytes, begun: bytes
) -> None:
    if request_before:
        await client.send(request_before)
        await echo.called.wait()
    await client.send(begun)
    status, head, body = await client.answer()
    assert (status, body) == (408, b"The request's headers took longer than 10 seconds.\n")
    assert "connection: close" in head
    assert await client.rest() == b""


async def test_a_second_head_on_a_connection_is_bounded_as_the_first(client: Client) -> None:
    await client.send(GET + b"\r\n")
    assert (await client.answer())[0] == 200
    await client.send(GET + LONG_HEADER)
    status, _, body = await client.answer()
    assert (status, b"65536 bytes" in body) == (431, True)
    assert await client.rest() == b""


async def test_a_body_is_not_taken_for_a_head(client: Client) -> None:
    body = bytes(range(256)) * 4_096
    await client.send(POST + b"content-length: %d\r\n\r\n" % len(body) + body)
    assert (await client.answer())[::2] == (200, body)
    await client.send(POST + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
    assert (await client.answer())[::2] == (200, body)


async def test_a_body_may_take_longer_than_a_head(client: Client, echo: Echo) -> None:
    await client.send(POST + b"content-length: 2\r\n\r\n")
    await asyncio.wait([asyncio.ensure_future(echo.asked.wait())], timeout=3 * Impatient.head_seconds)
    await client.send(b"{}")
    assert (await client.answer())[::2] == (200, b"{}")


async def test_a_line_end_too_many_does_not_cut_off_an_answer_that_takes_its_time(client: Client, echo: Echo) -> None:
    echo.may_answer.clear()
    await client.send(POST + b"content-length: 2\r\n\r\n{}")
    await echo.asked.wait()
    await client.send(b"\r\n")
    ended = asyncio.ensure_future(client.answer())
    done, _ = await asyncio.wait([ended], timeout=3 * Impatient.head_seconds)
    assert not done
    echo.may_answer.set()
    assert (await ended)[::2] == (200, b"{}")


async def test_a_head_too_large_behind_a_request_under_way_is_no_answer_to_that(client: Client, echo: Echo) -> None:
    echo.may_answer.clear()
    await client.send(GET + b"\r\n" + GET)
    await echo.asked.wait()
    await client.send(LONG_HEADER)
    assert await client.rest() == b""


async def test_a_connection_that_sends_nothing_is_ended_as_an_idle_one_is(client: Client) -> None:
    assert await client.rest() == b""


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_an_upgrade_is_passed_over_and_says_nothing(
    client: Client, protocol: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await client.send(GET + b"connection: upgrade\r\nupgrade: %b\r\n\r\n" % protocol)
    status, head, _ = await client.answer()
    assert status == 200
    assert "connection: close" in head
    assert await client.rest() == b""
    assert not caplog.messages


class Patient(BoundedHttpProtocol):
    """Only for a server that goes on."""

    untaken_seconds: ClassVar[float] = 600.0


LARGE = 16 << 20


async def large(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"%d" % LARGE)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * LARGE})


@asynccontextmanager
async def asked_for_much(
    http: type[BoundedHttpProtocol], *, window: int = 4096
) -> AsyncIterator[tuple[uvicorn.Server, Any, socket.socket]]:
    """A server, a function that ends it, and a client that has asked for a large answer and reads nothing of it."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = await started(large, http, listener)
    with socket.socket() as client:
        # So that little of what is sent lies on this side.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, listener.getsockname())
        await loop.sock_sendall(client, GET + b"\r\n")

        async def is_answered() -> bool:
            return server.server_state.total_requests == 1

        await until(is_answered)
        yield server, lambda: server.shutdown([listener]), client
    await server.shutdown([listener])


async def test_who_takes_nothing_of_an_answer_is_cut_off() -> None:
    async with asked_for_much(Impatient) as (server, _, _):

        async def is_gone() -> bool:
            return not server.server_state.connections

        await until(is_gone)


async def test_who_takes_nothing_holds_up_the_end_of_no_server() -> None:
    async with asked_for_much(Patient) as (_, end, _), asyncio.timeout(20):
        await end()


@pytest.mark.parametrize("stops", [False, True])
async def test_who_takes_an_answer_slowly_has_the_whole_of_it(*, stops: bool) -> None:
    async with asked_for_much(Impatient, window=64 * 1024) as (server, end, client):
        loop = asyncio.get_running_loop()
        ending = asyncio.ensure_future(end()) if stops else None
        received, began = 0, loop.time()
        while content := await loop.sock_recv(client, 256 * 1024):
            received += len(content)
            # Longer in all than who takes nothing is waited for, and a part of it each time.
            await until_time(loop.time() + 0.02)
            if received > LARGE:
                break
        assert received > LARGE
        assert loop.time() - began > 2 * Impatient.untaken_seconds
        if ending is not None:
            await ending
        assert server.server_state.total_requests == 1


async def until_time(at: float) -> None:
    loop = asyncio.get_running_loop()
    reached = loop.create_future()
    loop.call_at(at, reached.set_result, None)
    await reached

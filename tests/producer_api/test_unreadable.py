"""HTTP that cannot be read is answered as everything else is: in shape, quoting nothing."""

import asyncio
import itertools
import uuid
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped]  # ships no type information
import pytest

from tests.producer_api.conftest import Service

EGRET = "an-egret-by-the-weir"
JSON_POST = f"POST /v1/tasks HTTP/1.1\r\nhost: x\r\nx-bird: {EGRET}\r\ncontent-type: application/json\r\n"
CASES = {
    "unknown-method": f"FOO /{EGRET} HTTP/1.1\r\nhost: x\r\n\r\n",
    "no-http": f"{EGRET}\r\n\r\n",
    "connect": f"CONNECT {EGRET}:443 HTTP/1.1\r\nhost: {EGRET}\r\n\r\n",
    "url-beyond-ascii": f"GET /{EGRET}\u00fc HTTP/1.1\r\nhost: x\r\n\r\n",
    "content-length-a-word": f"{JSON_POST}content-length: {EGRET}\r\n\r\n",
    "content-length-negative": f"{JSON_POST}content-length: -1\r\n\r\n",
    "content-length-twice": f"{JSON_POST}content-length: 1\r\ncontent-length: 2\r\n\r\n{{}}",
    "content-length-and-chunked": f"{JSON_POST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk-size-a-word": f"{JSON_POST}transfer-encoding: chunked\r\n\r\n{EGRET}\r\n",
    "header-without-colon": f"GET / HTTP/1.1\r\n{EGRET}\r\n\r\n",
}


# Of an endless header: unbounded it is read whole, and takes the square of its length.
MOST_BYTES = 30_000_000
MOST_CPU_SECONDS = 1.0
GET = f"GET /v1/tasks?task_ids={EGRET} HTTP/1.1\r\nhost: x\r\n"
TOO_LARGE = {
    "one-header": (f"{GET}a: ", "a"),
    "many-headers": (GET, f"{EGRET}: b\r\n"),
    "url": (f"GET /{EGRET}", "x"),
    "trailers": (f"{JSON_POST}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\na: ", "a"),
    "chunk-extension": (f"{JSON_POST}transfer-encoding: chunked\r\n\r\n2;", "a"),
    "lines": ("", "\r\n"),
}


@pytest.mark.parametrize("request_text", CASES.values(), ids=CASES)
async def test_unreadable_http_is_a_400_in_openai_s_shape(service: Service, request_text: str) -> None:
    error = await refused(service, [request_text.encode()], "400 Bad Request")
    assert error["code"] == "bad_request"
    assert "Content-Length" in error["message"]


@pytest.mark.parametrize(("begin", "again"), TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_head_that_goes_on_is_a_431_before_it_costs_anything(service: Service, begin: str, again: str) -> None:
    before = cpu_seconds(service)
    error = await refused(service, endless(begin, again), "431 Request Header Fields Too Large")
    assert error["code"] == "limit_exceeded"
    assert "65536 bytes" in error["message"]
    assert cpu_seconds(service) - before < MOST_CPU_SECONDS


async def test_a_head_of_almost_64_kb_is_read(service: Service) -> None:
    answer = await service.api.ask("GET", "/openapi.json", headers={f"a{n}": "x" * 1_000 for n in range(63)})
    assert answer.status == 200


async def test_a_head_that_never_ends_is_a_408(service: Service) -> None:
    error = await refused(service, [GET.encode()], "408 Request Timeout")
    assert error["code"] == "request_timeout"
    assert "10 seconds" in error["message"]


def cpu_seconds(service: Service) -> float:
    times = psutil.Process(service.process.pid).cpu_times()
    return float(times.user + times.system)


def endless(begin: str, again: str) -> Iterable[bytes]:
    part = again.encode() * (10_000 // len(again))
    return itertools.chain([begin.encode()], itertools.repeat(part, MOST_BYTES // len(part)))


async def refused(service: Service, parts: Iterable[bytes], status: str) -> dict[str, Any]:
    """The error that the API answers with before it hangs up."""
    host, port = service.api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(60):
        reading = asyncio.create_task(reader.read())
        with suppress(ConnectionError):
            for part in parts:
                # The loop's turn: a client that sends without reading may be reset before it sees the answer.
                if (await asyncio.wait([reading], timeout=0))[0]:
                    break
                writer.write(part)
                await writer.drain()
        head, _, body = (await reading).partition(b"\r\n\r\n")
    writer.transport.abort()
    status_line, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert status_line == f"HTTP/1.1 {status}"
    assert len(headers) == len(lines)
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    assert str(uuid.UUID(headers["x-request-id"])) == headers["x-request-id"]
    error: dict[str, Any] = orjson.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", None)
    assert EGRET not in (head + body).decode()
    assert EGRET not in service.process.log()
    return error


def test_the_log_says_each_start_once_in_the_service_s_own_words(service: Service) -> None:
    events = [orjson.loads(line)["event"] for line in service.process.log().splitlines() if line.startswith("{")]
    assert events.count("listening") == 1
    assert not [event for event in events if "server process" in event or "Uvicorn running" in event]

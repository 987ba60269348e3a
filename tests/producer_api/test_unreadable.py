"""HTTP that cannot be read is answered as everything else is: in shape, quoting nothing."""

import asyncio
import uuid

import orjson
import pytest

from tests.producer_api.conftest import Service

EGRET = "an-egret-by-the-weir"
JSON_POST = f"POST /v1/tasks?{EGRET} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
CASES = {
    "unknown-method": f"FOO /{EGRET} HTTP/1.1\r\nhost: x\r\n\r\n",
    "no-http": f"{EGRET}\r\n\r\n",
    "connect": f"CONNECT {EGRET}:443 HTTP/1.1\r\nhost: {EGRET}\r\n\r\n",
    "url-too-long": f"GET /{EGRET}{'x' * 70_000} HTTP/1.1\r\nhost: x\r\n\r\n",
    "url-beyond-ascii": f"GET /{EGRET}\u00fc HTTP/1.1\r\nhost: x\r\n\r\n",
    "content-length-a-word": f"{JSON_POST}content-length: {EGRET}\r\n\r\n",
    "content-length-negative": f"{JSON_POST}content-length: -1\r\n\r\n",
    "content-length-twice": f"{JSON_POST}content-length: 1\r\ncontent-length: 2\r\n\r\n{{}}",
    "content-length-and-chunked": f"{JSON_POST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk-size-a-word": f"{JSON_POST}transfer-encoding: chunked\r\n\r\n{EGRET}\r\n",
    "header-without-colon": f"GET / HTTP/1.1\r\n{EGRET}\r\n\r\n",
}


@pytest.mark.parametrize("request_text", CASES.values(), ids=CASES)
async def test_unreadable_http_is_a_400_in_openai_s_shape(service: Service, request_text: str) -> None:
    host, port = service.api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request_text.encode())
    async with asyncio.timeout(30):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    status_line, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert status_line == "HTTP/1.1 400 Bad Request"
    assert len(headers) == len(lines)
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    assert str(uuid.UUID(headers["x-request-id"])) == headers["x-request-id"]
    error = orjson.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", None, "bad_request")
    assert "Content-Length" in error["message"]
    assert EGRET not in (head + body).decode()
    assert EGRET not in service.process.log()


def test_the_log_says_each_start_once_in_the_service_s_own_words(service: Service) -> None:
    events = [orjson.loads(line)["event"] for line in service.process.log().splitlines() if line.startswith("{")]
    assert events.count("listening") == 1
    assert not [event for event in events if "server process" in event or "Uvicorn running" in event]

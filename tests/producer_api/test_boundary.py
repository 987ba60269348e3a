"""Whatever a request does to the application, its client gets an answer that tells nothing."""

from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.requests import ClientDisconnect

from producer_api.boundary import Receive, RequestBoundary, Scope, Send
from producer_api.budget import Budget
from producer_api.metrics import Metrics
from producer_api.serving import serving_api

BITTERN = "a bittern in the reeds"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Fails as the path says."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": f"{message['type']}.complete"})
        return
    if scope["path"] == "/left":
        raise ClientDisconnect
    if scope["path"] == "/late":
        await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError(BITTERN)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def url(registry: CollectorRegistry) -> AsyncIterator[str]:
    metrics = Metrics(registry, Budget(max_bytes=1, max_records=1), connected=lambda: True)
    async with serving_api(RequestBoundary(application, metrics), host="127.0.0.1", port=0) as port:
        yield f"http://127.0.0.1:{port}"


def counted(registry: CollectorRegistry, status_class: str) -> float | None:
    labels = {"route": "unmatched", "method": "GET", "status_class": status_class}
    return registry.get_sample_value("promptmill_api_http_requests_total", labels)


async def test_an_unexpected_error_is_a_500_in_shape_and_logged_without_content(
    url: str, registry: CollectorRegistry, session: aiohttp.ClientSession
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with session.get(f"{url}/x") as response:
            body = await response.read()
    assert response.status == 500
    error = orjson.loads(body)["error"]
    assert (error["type"], error["param"], error["code"]) == ("server_error", None, "internal_error")
    assert BITTERN.encode() not in body
    failed = [entry for entry in logs if entry["event"] == "request failed"]
    # The event holds the traceback only, which the service's logs render without messages.
    assert failed == [{"event": "request failed", "log_level": "error", "exc_info": True}]
    assert counted(registry, "5xx") == 1
    assert "x-request-id" in error["message"]
    assert response.headers["x-request-id"]


async def test_an_answer_that_breaks_off_is_seen_to_break_off(url: str, session: aiohttp.ClientSession) -> None:
    with structlog.testing.capture_logs() as logs, pytest.raises(aiohttp.ClientError):
        async with session.get(f"{url}/late") as response:
            await response.read()
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["request failed"]


async def test_a_client_that_left_is_no_error(
    url: str, registry: CollectorRegistry, session: aiohttp.ClientSession
) -> None:
    # Here the client has not left in truth, so uvicorn answers for the application that says nothing.
    with structlog.testing.capture_logs() as logs:
        async with session.get(f"{url}/left") as response:
            await response.read()
    assert not [entry for entry in logs if entry["log_level"] == "error"]
    assert counted(registry, "4xx") == 1

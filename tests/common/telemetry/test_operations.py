import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from common.telemetry.operations import Operations, serving_operations


class Health:
    """What the probes say, set by the test."""

    def __init__(self) -> None:
        self.alive: list[str] = []
        self.ready: list[str] = []

    async def liveness(self) -> list[str]:
        return self.alive

    async def readiness(self) -> list[str]:
        return self.ready


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def client(health: Health) -> AsyncIterator[aiohttp.ClientSession]:
    registry = CollectorRegistry()
    Counter("promptmill_things", "Things that were seen.", registry=registry).inc()
    operations = Operations(health.liveness, health.readiness, registry)
    async with (
        serving_operations(operations, host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def get(client: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with client.get(path) as response:
        return response.status, await response.text()


async def test_probes_say_what_hinders(client: aiohttp.ClientSession, health: Health) -> None:
    assert await get(client, "/livez") == (200, "ok\n")
    assert await get(client, "/readyz") == (200, "ok\n")
    health.ready = ["kafka cannot be reached", "redis cannot be reached"]
    assert await get(client, "/readyz") == (503, "kafka cannot be reached\nredis cannot be reached\n")
    assert await get(client, "/livez") == (200, "ok\n")
    health.alive = ["polling is stuck"]
    assert await get(client, "/livez") == (503, "polling is stuck\n")


async def test_metrics_have_their_help(client: aiohttp.ClientSession) -> None:
    status, text = await get(client, "/metrics")
    assert status == 200
    assert "# HELP promptmill_things_total Things that were seen." in text


@pytest.mark.parametrize("path", ["/", "/v1/tasks", "/livez/"])
async def test_the_port_has_nothing_else(client: aiohttp.ClientSession, path: str) -> None:
    assert (await get(client, path))[0] == 404


async def test_other_methods_are_refused(client: aiohttp.ClientSession) -> None:
    async with client.post("/livez") as response:
        assert response.status == 405
    async with client.head("/livez") as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_a_taken_port_is_an_error_at_once(health: Health) -> None:
    operations = Operations(health.liveness, health.readiness, CollectorRegistry())
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with serving_operations(operations, host="127.0.0.1", port=taken.getsockname()[1]):
            pass

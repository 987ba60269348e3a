"""Whether the process can serve."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse

from common.store.scripts import StoreUnavailable
from producer_api.kafka_link import KafkaLink
from producer_api.store_health import StoreHealth

_HINDERED: dict[str, Any] = {
    "description": "It takes none; each line is a reason, such as `Kafka is out of reach`.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}

# Reasons why not, none when all is well.
Probe = Callable[[], Awaitable[list[str]]]


class Readiness:
    """Ready while both Kafka and Redis answer and nobody has asked the process to stop."""

    def __init__(self, link: KafkaLink, store_health: StoreHealth) -> None:
        self._link = link
        self._store_health = store_health
        self.stopping = False

    async def __call__(self) -> list[str]:
        """What hinders."""
        if self.stopping:
            return ["the API is stopping"]
        hindrances = [] if self._link.hindrance is None else [self._link.hindrance]
        try:
            await self._store_health.ensure()
        except StoreUnavailable:
            hindrances.append("Redis is out of reach")
        return hindrances


async def alive() -> list[str]:
    """Nothing hinders a process that can answer: outages of others must not restart it."""
    return []


def add_probes(app: FastAPI, *, liveness: Probe, readiness: Probe) -> None:
    """The probes on the API's own port, for load balancers and clients that look nowhere else."""

    async def livez() -> Response:
        return _probed(await liveness())

    async def readyz() -> Response:
        """Say whether this API takes tasks now, and what hinders it."""
        return _probed(await readiness())

    app.add_api_route("/livez", livez, include_in_schema=False)
    app.add_api_route(
        "/readyz",
        readyz,
        tags=["probes"],
        response_class=PlainTextResponse,
        responses={200: {"description": "It takes tasks."}, 503: _HINDERED},
    )


def _probed(hindrances: list[str]) -> Response:
    text = "".join(f"{hindrance}\n" for hindrance in hindrances) or "ok\n"
    return Response(text, 503 if hindrances else 200, media_type="text/plain")

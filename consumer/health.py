"""What the probes of a worker answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from consumer.engine.engine import Engine

_PING_SECONDS = 1.0


@dataclass(slots=True)
class Health:
    """A worker's health. Until there is an engine it is alive, and not ready because of `hindrance`."""

    redis_answers: Callable[[], Awaitable[bool]]
    leases_are_kept: Callable[[], bool]
    store_is_whole: Callable[[], bool]
    engine: Engine | None = None
    hindrance: str = "Kafka was not reached yet"

    def hindered_by(self, reason: str) -> None:
        """Note what keeps the engine from being made."""
        self.hindrance = reason

    async def liveness(self) -> list[str]:
        """Why this process should be replaced; what is away beside it is no reason."""
        reasons = [] if self.leases_are_kept() else ["leases are not renewed any more"]
        if self.engine is not None:
            reasons += await self.engine.liveness()
        return reasons

    async def readiness(self) -> list[str]:
        """Why this worker does not work now."""
        reasons = [self.hindrance] if self.engine is None else await self.engine.readiness()
        try:
            async with asyncio.timeout(_PING_SECONDS):
                answers = await self.redis_answers()
        except TimeoutError:
            answers = False
        if not answers:
            return [*reasons, "Redis does not answer"]
        return reasons if self.store_is_whole() else [*reasons, "the store is being rebuilt"]

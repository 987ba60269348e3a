"""The model's process as a benchmark has it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.programs import module_child
from cli.stack.child import running
from cli.stack.ports import Ports
from cli.stack.probes import answers


@dataclass(frozen=True, slots=True)
class Counts:
    """Calls since the plan was made; `held_seconds` is how long all those answered were held, together.

    `first_at` is the instant of the first call by `time.monotonic`, 0 when there was none.
    """

    begun: int
    answered: int
    abandoned: int
    held_seconds: float
    first_at: float


class ModelHandle:
    """A running model. `port` is on loopback, `base_url` what an OpenAI client is given; `pid` that of its process."""

    def __init__(self, port: int, pid: int, session: aiohttp.ClientSession) -> None:
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.pid = pid
        self._url = f"http://127.0.0.1:{port}"
        self._session = session

    async def plan(
        self, *, latency: float, jitter: float = 0.0, keep_instants: bool = False, stamped: bool = False
    ) -> None:
        """Answer from now on after `latency` seconds, a share `jitter` of it more or less; count from nought.

        With `stamped` each piece of a stream says when it was written, as `answers.stamped_piece` has it.
        """
        query = {
            "latency": repr(latency),
            "jitter": repr(jitter),
            "keep_instants": str(int(keep_instants)),
            "stamped": str(int(stamped)),
        }
        await self._ask("/control/plan", query)

    async def reached(self, answers: int, *, within: float = 300.0) -> Counts:
        """Wait until so many answers have been given.

        Raises:
            TimeoutError: They were not, within so many seconds.
        """
        async with asyncio.timeout(within):
            return Counts(**await self._ask("/control/reached", {"answers": str(answers)}))

    async def counts(self) -> Counts:
        """Return the counts as they are."""
        return await self.reached(0)

    async def instants(self) -> dict[int, tuple[float, float]]:
        """Return when each call came and was answered, by the number in its prompt; instants of `time.monotonic`."""
        return {number: (begun, answered) for number, (begun, answered) in await self._ask("/control/instants", {})}

    async def left(self) -> dict[int, float]:
        """Return when the clients of calls under way went away, by the number in their prompts, as above."""
        return dict(await self._ask("/control/left", {}))

    async def _ask(self, path: str, query: dict[str, str]) -> Any:
        async with self._session.get(self._url + path, params=query) as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def running_model(ports: Ports, logs: Path) -> AsyncIterator[ModelHandle]:
    """Run the model as a process of its own."""
    port = ports.free()

    async def ready() -> bool:
        return await answers(port, b"GET /control/reached?answers=0 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200")

    child = module_child("model", "benchmarks.model", str(port), log=logs / "model.log", env=os.environ, ready=ready)
    timeout = aiohttp.ClientTimeout(total=None)
    async with running([child]) as [process], aiohttp.ClientSession(timeout=timeout) as session:
        yield ModelHandle(port, process.pid, session)

from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic import TypeAdapter

from tests.support.fake_model.behaviour import Behaviour
from tests.support.fake_model.call_log import Outcome
from tests.support.waiting import until


@dataclass(frozen=True, slots=True)
class Call:
    """One call the model got. Times are Unix seconds; what is None has not happened."""

    sequence: int
    method: str
    path: str
    prompt: str
    body: Any
    headers: dict[str, str]
    started_at: float
    finished_at: float | None
    outcome: Outcome
    status: int | None
    failed_on_purpose: bool


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the start or the last `FakeModel.forget_calls`."""

    calls: int
    in_flight: int
    max_in_flight: int
    distinct_prompts: int
    most_calls_of_one_prompt: int
    answered: int
    client_disconnected: int
    broken_off: int
    statuses: dict[int, int]


_CALLS = TypeAdapter(list[Call])
_STATS = TypeAdapter(Stats)
_COUNTS = TypeAdapter(dict[str, int])


class FakeModel:
    """A test's hand on a running fake model, in this process or another one.

    Args:
        url: The server's root, without ``/v1``.
        session: What the control API is spoken to with.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.base_url = f"{url}/v1"
        self._session = session

    async def behave(self, **behaviour: Any) -> None:
        """Treat calls from now on by this behaviour, the fields of `Behaviour`; nothing given is an echo at once.

        Raises:
            pydantic.ValidationError: There is no such behaviour.
        """
        await self._ask("PUT", "/_control", data=Behaviour(**behaviour).model_dump_json())

    async def hold(self) -> None:
        """Let calls wait from now on until they are released. Replaces the behaviour."""
        await self.behave(hold=True)

    async def release(self, count: int) -> None:
        """Let ``count`` held calls go, the oldest first; if fewer wait, later ones make up the number."""
        await self._ask("POST", "/_control/release", json={"count": count})

    async def release_prompt(self, prompt: str) -> int:
        """Let the held or hung calls with this prompt go and return how many there were."""
        answer = await self._ask("POST", "/_control/release", json={"prompt": prompt})
        return _COUNTS.validate_json(answer)["released"]

    async def release_all(self) -> None:
        """Let every held and hung call go, and hold no more."""
        await self._ask("POST", "/_control/release", json={})

    async def calls(self, *, prompt: str | None = None, after: int = 0) -> list[Call]:
        """Return the logged calls in order of arrival, of one prompt or after a sequence number if asked."""
        query = {"after": str(after)} if prompt is None else {"after": str(after), "prompt": prompt}
        return _CALLS.validate_json(await self._ask("GET", "/_calls", params=query))

    async def stats(self) -> Stats:
        """Return the counts."""
        return _STATS.validate_json(await self._ask("GET", "/_stats"))

    async def in_flight(self) -> int:
        """Return how many calls are not finished."""
        return (await self.stats()).in_flight

    async def calls_by_prompt(self) -> dict[str, int]:
        """Return the number of calls of every prompt."""
        return _COUNTS.validate_json(await self._ask("GET", "/_stats/prompts"))

    async def forget_calls(self) -> None:
        """Begin the log and the counts anew; calls in flight stay."""
        await self._ask("DELETE", "/_calls")

    async def wait_for_in_flight(self, count: int, *, deadline: float = 60.0) -> None:
        """Wait until exactly ``count`` calls are in flight.

        Raises:
            AssertionError: They were not, up to the deadline.
        """

        seen: list[Stats] = []

        async def reached() -> bool:
            seen[:] = [await self.stats()]
            return seen[0].in_flight == count

        try:
            await until(reached, deadline=deadline, what=f"{count} calls in flight")
        except AssertionError as error:
            raise AssertionError(f"{error}; the model has {seen}") from error

    async def wait_for_calls(self, count: int, *, deadline: float = 60.0) -> list[Call]:
        """Wait until at least ``count`` calls have come, and return all there are.

        Raises:
            AssertionError: There were fewer, up to the deadline.
        """

        async def enough() -> list[Call] | None:
            calls = await self.calls()
            return calls if len(calls) >= count else None

        return await until(enough, deadline=deadline, what=f"{count} calls to the model") or []

    async def _ask(self, method: str, path: str, **request: Any) -> bytes:
        async with self._session.request(method, self.url + path, **request) as response:
            body = await response.read()
            assert response.status == 200, f"{method} {path}: {response.status} {body.decode()}"
            return body

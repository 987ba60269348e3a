"""A client that submits prompts again and again, whatever happens, and remembers what it was told."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.support.api import Answer, Api
from tests.support.waiting import POLL_INTERVAL_SECONDS, until

UNANSWERED = (aiohttp.ClientError, TimeoutError, ConnectionError)


class Load:
    """Submits a few prompts at a steady pace until its context is left. Every prompt is another text.

    Args:
        api: Where to.
        requests_per_second: Pace, as long as answers come in time; one request at a time.
        prompts_per_request: Prompts in each.
        with_key: Send an ``Idempotency-Key`` with each request and repeat it until it is answered by 202.
        directives: Stand in each prompt, for the fake model.
    """

    def __init__(
        self,
        api: Api,
        *,
        requests_per_second: float = 5.0,
        prompts_per_request: int = 3,
        with_key: bool = False,
        directives: str = "",
    ) -> None:
        self.accepted: dict[str, str] = {}
        self.accepted_at: dict[str, float] = {}
        self.unanswered = 0
        self.refused = 0
        self._api = api
        self._interval = 1 / requests_per_second
        self._prompts_per_request = prompts_per_request
        self._with_key = with_key
        self._directives = directives
        self._numbers = itertools.count(1)
        self._ended = asyncio.Event()
        self._submitting: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Submit while the body runs.

        Raises:
            AssertionError: The API answered what it never may.
        """
        self._ended.clear()
        self._submitting = asyncio.create_task(self._run(), name="load")
        try:
            yield
        finally:
            self._ended.set()
            await self._submitting

    async def accepts_more(self, count: int, *, deadline: float = 90.0) -> None:
        """Wait until so many more tasks have been accepted.

        Raises:
            AssertionError: They were not, up to the deadline in seconds.
        """
        enough = len(self.accepted) + count
        await until(
            lambda: len(self.accepted) >= enough or self._has_failed(),
            deadline=deadline,
            what=f"{enough} accepted tasks",
        )

    def _has_failed(self) -> bool:
        return self._submitting is not None and self._submitting.done()

    async def _run(self) -> None:
        while not self._ended.is_set():
            prompts = [f"prompt {next(self._numbers)}{self._directives}" for _ in range(self._prompts_per_request)]
            if self._with_key:
                await self._submit_until_accepted(prompts)
            else:
                await self._submit(prompts)
            await self._pause(self._interval)

    async def _submit_until_accepted(self, prompts: list[str]) -> None:
        key = prompts[0].replace(" ", "-")
        while not await self._submit(prompts, headers={"Idempotency-Key": key}):
            await self._pause(POLL_INTERVAL_SECONDS * 5)

    async def _submit(self, prompts: list[str], **request: object) -> bool:
        try:
            answer = await self._api.ask("POST", "/v1/tasks", json={"prompts": prompts}, **request)
        except UNANSWERED:
            self.unanswered += 1
            return False
        return self._remember(prompts, answer)

    def _remember(self, prompts: list[str], answer: Answer) -> bool:
        if answer.status != 202:
            assert answer.status in {409, 429, 503}, answer
            self.refused += 1
            return False
        now = time.time()
        entries = answer.body["tasks"]
        assert len(entries) == len(prompts), answer
        for prompt, entry in zip(prompts, entries, strict=True):
            if entry["task_id"] is None:
                self.refused += 1
                continue
            assert entry["task_id"] not in self.accepted, answer
            self.accepted[entry["task_id"]] = prompt
            self.accepted_at[entry["task_id"]] = now
        return True

    async def _pause(self, seconds: float) -> None:
        await asyncio.wait([ended := asyncio.ensure_future(self._ended.wait())], timeout=seconds)
        ended.cancel()

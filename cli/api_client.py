"""The API over HTTP, as any client of it: what breaks is repeated for a while, and that is said."""

import asyncio
import json
import os
import random
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import aiohttp

from cli.addresses import Address
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.patience import Patience, delay_seconds, retry_after_seconds
from cli.task_view import TaskView, UnreadableAnswer, error_line, parse_tasks, unknown_task
from common.task import parse_task_id

_TASKS_PATH = "/v1/tasks"
_LIMIT_EXCEEDED = "limit_exceeded"
_TASK_NOT_FOUND = "task_not_found"
_PROMPT_OF_REQUEST = re.compile(r"prompts\[(\d+)\](\.?)")
_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)

# The API says these when nothing was accepted.
_NOTHING_ACCEPTED = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})
_PASSING = _NOTHING_ACCEPTED | {
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.GATEWAY_TIMEOUT,
}
# An earlier try of the same request is still under way.
_KEY_IN_USE = "idempotency_key_in_use"


class _RefusedError(CommandError):
    """A request that the API will not take; `code` is its error's."""

    def __init__(self, message: str, code: object) -> None:
        super().__init__(message, ExitCode.USAGE)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a request has no answer now; `is_open` says that it may have been done all the same."""

    reason: str
    is_open: bool
    retry_after: float | None = None


class ApiClient:
    """Submits prompts, reads and cancels tasks.

    `say` gets a line when the API stops answering and when it answers again. Every method raises CommandError: with
    `OUT_OF_REACH` when the API did not answer for as long as `patience` lasts, with `USAGE` when it refused the
    request.
    """

    def __init__(
        self, session: aiohttp.ClientSession, address: Address, patience: Patience, say: Callable[[str], None]
    ) -> None:
        self._session = session
        self._address = address
        self._patience = patience
        self._say = say
        self._has_answered = False

    async def submit(self, body: bytes, *, prompts: int, first: int = 1) -> list[TaskView]:
        """Send one body of so many prompts; an entry for each, in order, refused ones without an id.

        Whatever breaks, it is sent again under the same key: the prompts are accepted once.

        Errors name a prompt by its number in all that is submitted, of which the body's first is number `first`.
        """
        try:
            entries = await self._tasks("POST", prompts, body=body, key=str(uuid.uuid4()))
        except _RefusedError as error:
            raise CommandError(_numbered(str(error), first), error.exit_code) from error
        return [replace(entry, error=entry.error and _numbered(entry.error, first)) for entry in entries]

    async def read(self, task_ids: Sequence[str]) -> list[TaskView]:
        """The tasks in the order asked, unknown ones as `not_found`; at most 100."""
        try:
            return await self._tasks("GET", len(task_ids), params={"task_ids": ",".join(task_ids)})
        except _RefusedError as error:
            if error.code != _LIMIT_EXCEEDED or len(task_ids) == 1:
                raise
        # Their results together are more than one answer may hold.
        half = len(task_ids) // 2
        return await self.read(task_ids[:half]) + await self.read(task_ids[half:])

    async def cancel(self, task_id: str) -> TaskView:
        """End the task and return it as it stands then, an unknown one as `not_found`."""
        if parse_task_id(task_id) is None:
            return unknown_task(task_id)
        try:
            [view] = await self._tasks("POST", 1, path=f"{_TASKS_PATH}/{task_id}/cancel")
        except _RefusedError as error:
            if error.code != _TASK_NOT_FOUND:
                raise
            return unknown_task(task_id)
        return view

    async def _tasks(
        self,
        method: str,
        expected: int,
        *,
        path: str = _TASKS_PATH,
        body: bytes | None = None,
        key: str | None = None,
        params: dict[str, str] | None = None,
    ) -> list[TaskView]:
        failures = 0
        may_be_accepted = False
        began = time.monotonic()
        while True:
            answer = await self._once(method, path, expected, body=body, key=key, params=params)
            if not isinstance(answer, _Failure):
                if failures:
                    self._say(f"{self._where} answers again")
                return answer
            failures += 1
            delay = delay_seconds(failures, answer.retry_after, random.random())  # noqa: S311 (spreads clients apart)
            lasts = self._patience.lasts(has_answered=self._has_answered)
            may_be_accepted = may_be_accepted or (key is not None and answer.is_open)
            if time.monotonic() + delay - began > lasts:
                doubt = "; the prompts it was sent last may be accepted or not" if may_be_accepted else ""
                raise CommandError(f"{self._where} does not answer: {answer.reason}{doubt}", ExitCode.OUT_OF_REACH)
            if failures == 1:
                self._say(f"{self._where} does not answer: {answer.reason}; trying again for up to {lasts:g} s")
            await asyncio.sleep(delay)

    @property
    def _where(self) -> str:
        return f"the API at {self._address.value} ({self._address.source})"

    async def _once(
        self,
        method: str,
        path: str,
        expected: int,
        *,
        body: bytes | None,
        key: str | None,
        params: dict[str, str] | None,
    ) -> list[TaskView] | _Failure:
        """One request. Raises CommandError when the API refused it."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            async with self._session.request(
                method,
                self._address.value + path,
                data=body,
                params=params,
                headers=headers,
                allow_redirects=False,
            ) as response:
                content = await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return _Failure(_connection_reason(error), is_open=False)
        except (aiohttp.ClientError, TimeoutError) as error:
            return _Failure(_connection_reason(error), is_open=True)
        if response.ok and response.status < HTTPStatus.MULTIPLE_CHOICES:
            self._has_answered = True
            answer = _json(content)
            return self._entries(answer if path == _TASKS_PATH else {"tasks": [answer]}, expected)
        return self._failure(response, _json(content))

    def _entries(self, answer: Any, expected: int) -> list[TaskView]:
        try:
            return parse_tasks(answer, expected)
        except UnreadableAnswer as error:
            raise CommandError(f"{self._where} does not answer as Promptmill does: {error}", ExitCode.USAGE) from error

    def _failure(self, response: aiohttp.ClientResponse, answer: Any) -> _Failure:
        error = error_line(answer.get("error")) if isinstance(answer, dict) else None
        code = answer["error"].get("code") if error is not None else None
        reason = error or f"HTTP {response.status} {response.reason or ''}".rstrip()
        if response.status in _PASSING or code == _KEY_IN_USE:
            # An API that says so is there, and its trouble is worth waiting for.
            self._has_answered = self._has_answered or error is not None
            is_open = response.status not in _NOTHING_ACCEPTED
            return _Failure(reason, is_open, retry_after_seconds(response.headers))
        if error is None:
            raise CommandError(f"{self._where} does not answer as Promptmill does: {reason}", ExitCode.USAGE)
        raise _RefusedError(reason, code)


@asynccontextmanager
async def connected_api(
    address: Address, say: Callable[[str], None], patience: Patience | None = None
) -> AsyncIterator[ApiClient]:
    """A client of the API at `address`; nothing is sent yet."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        yield ApiClient(session, address, patience or Patience(), say)


def _numbered(error: str, first: int) -> str:
    """`prompts[0].model` of a request whose first prompt is number 501: "prompt 501, model"."""
    return _PROMPT_OF_REQUEST.sub(lambda found: f"prompt {int(found[1]) + first}{', ' if found[2] else ''}", error)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _connection_reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        number = error.os_error.errno
        return os.strerror(number) if number is not None and number > 0 else str(error.os_error)
    return str(error) or type(error).__name__

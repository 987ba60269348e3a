"""Requests to the API: what breaks is repeated for a while, and that is said."""

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from cli.addresses import Address
from cli.api.patience import Patience, delay_seconds, retry_after_seconds
from cli.api.task_view import error_line
from cli.errors import CommandError
from cli.exit_codes import ExitCode

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


class RefusedError(CommandError):
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


class ApiLink:
    """Asks the API at one address; every request must be safe to repeat.

    `say` gets a line when the API stops answering and when it answers again.
    """

    def __init__(
        self, session: aiohttp.ClientSession, address: Address, patience: Patience, say: Callable[[str], None]
    ) -> None:
        self._session = session
        self._address = address
        self._patience = patience
        self._say = say
        self._has_answered = False

    @property
    def where(self) -> str:
        """The address, in words that begin a sentence."""
        return f"the API at {self._address.value} ({self._address.source})"

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        in_doubt: str = "",
    ) -> Any:
        """The JSON of the answer.

        Raises:
            RefusedError: the API will not take the request.
            CommandError: with `OUT_OF_REACH` when it did not answer for as long as the patience lasts, and then
                `in_doubt` behind the reason where the request may have been done all the same; with `USAGE` when what
                answers is no API of ours.
        """
        failures = 0
        may_be_done = False
        began = time.monotonic()
        while True:
            answer = await self._once(method, path, body, {**(headers or {})}, params)
            if not isinstance(answer, _Failure):
                if failures:
                    self._say(f"{self.where} answers again")
                return answer
            failures += 1
            delay = delay_seconds(failures, answer.retry_after, random.random())  # noqa: S311 (spreads clients apart)
            lasts = self._patience.lasts(has_answered=self._has_answered)
            may_be_done = may_be_done or answer.is_open
            if time.monotonic() + delay - began > lasts:
                doubt = f"; {in_doubt}" if may_be_done and in_doubt else ""
                raise CommandError(f"{self.where} does not answer: {answer.reason}{doubt}", ExitCode.OUT_OF_REACH)
            if failures == 1:
                self._say(f"{self.where} does not answer: {answer.reason}; trying again for up to {lasts:g} s")
            await asyncio.sleep(delay)

    async def _once(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], params: Mapping[str, str] | None
    ) -> Any:
        """One request: its answer's JSON, or a `_Failure`. Raises CommandError when the API refused it."""
        if body is not None:
            headers["Content-Type"] = "application/json"
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
            return _json(content)
        return self._failure(response, _json(content))

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
            raise CommandError(f"{self.where} does not answer as Promptmill does: {reason}", ExitCode.USAGE)
        raise RefusedError(reason, code)


@asynccontextmanager
async def linked_api(
    address: Address, say: Callable[[str], None], patience: Patience | None = None
) -> AsyncIterator[ApiLink]:
    """A link to the API at `address`; nothing is sent yet."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        yield ApiLink(session, address, patience or Patience(), say)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _connection_reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        number = error.os_error.errno
        return os.strerror(number) if number is not None and number > 0 else str(error.os_error)
    return str(error) or type(error).__name__

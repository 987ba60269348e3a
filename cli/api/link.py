"""Requests to the API: what breaks is repeated for a while, and that is said."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp

from cli.addresses import ApiAddress
from cli.api.outage import Failure, Outage
from cli.api.patience import Patience, retry_after_seconds
from cli.api.server_sent import EventParser, ServerSentEvent
from cli.api.task_view import error_line
from cli.errors import CommandError
from cli.exit_codes import ExitCode

_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)
# The API breaks its silence every 15 seconds.
_STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=5, sock_read=45)
_REOPEN_SECONDS = 0.2

# The API says these when nothing was accepted.
_NOTHING_ACCEPTED = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})
_PASSING = _NOTHING_ACCEPTED | {
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.GATEWAY_TIMEOUT,
}
# An earlier try of the same request is still under way.
_KEY_IN_USE = "idempotency_key_in_use"
_OVERLOADED = "overloaded"


class RefusedError(CommandError):
    """A request that the API will not take; `code` is its error's."""

    def __init__(self, message: str, code: object) -> None:
        super().__init__(message, ExitCode.USAGE)
        self.code = code


class ApiLink:
    """Asks the API at one address; every request must be safe to repeat.

    `say` gets a line when the API stops answering and when it answers again.
    """

    def __init__(
        self, session: aiohttp.ClientSession, address: ApiAddress, patience: Patience, say: Callable[[str], None]
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
        outage = Outage(self.where, self._patience, self._say)
        while True:
            answer = await self._once(method, path, body, {**(headers or {})}, params)
            if not isinstance(answer, Failure):
                outage.is_over()
                return answer
            await outage.wait(answer, has_answered=self._has_answered, in_doubt=in_doubt)

    async def events(self, path: str, params: Mapping[str, str]) -> AsyncGenerator[ServerSentEvent, None]:
        """Server-sent events; a stream that ends or breaks is taken up behind its last event, until there are no more.

        It ends too where the API has no room for one more stream: it may be asked in other ways.

        Raises:
            RefusedError, CommandError: as `ask`.
        """
        outage = Outage(self.where, self._patience, self._say)
        last_event_id: str | None = None
        while True:
            parser, failure = EventParser(), None
            try:
                async with self._open_stream(path, params, last_event_id) as response:
                    if response.status == HTTPStatus.NO_CONTENT:
                        return
                    if response.status != HTTPStatus.OK:
                        failure = self._failure(response, _json(await response.read()))
                    else:
                        self._has_answered = True
                        outage.is_over()
                        async for content in response.content.iter_any():
                            for event in parser.feed(content):
                                last_event_id = event.id or last_event_id
                                yield event
            except (aiohttp.ClientError, TimeoutError) as error:
                failure = Failure(_connection_reason(error), is_open=False)
            if failure is None:
                # All was told, which it says when it is asked once more; or it stops, and another goes on.
                await asyncio.sleep(_REOPEN_SECONDS if parser.retry_seconds is None else parser.retry_seconds)
            elif failure.code == _OVERLOADED:
                return
            else:
                await outage.wait(failure, has_answered=self._has_answered)

    def _open_stream(
        self, path: str, params: Mapping[str, str], last_event_id: str | None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._session.get(
            self._address.value + path,
            params=params,
            headers=self._signed({} if last_event_id is None else {"Last-Event-ID": last_event_id}),
            timeout=_STREAM_TIMEOUT,
            allow_redirects=False,
        )

    def _signed(self, headers: dict[str, str]) -> dict[str, str]:
        if self._address.token is not None:
            headers.setdefault("Authorization", f"Bearer {self._address.token}")
        return headers

    async def _once(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], params: Mapping[str, str] | None
    ) -> Any:
        """One request: its answer's JSON, or a `Failure`. Raises CommandError when the API refused it."""
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method,
                self._address.value + path,
                data=body,
                params=params,
                headers=self._signed(headers),
                allow_redirects=False,
            ) as response:
                content = await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Failure(_connection_reason(error), is_open=False)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Failure(_connection_reason(error), is_open=True)
        if response.ok and response.status < HTTPStatus.MULTIPLE_CHOICES:
            self._has_answered = True
            return _json(content)
        return self._failure(response, _json(content))

    def _failure(self, response: aiohttp.ClientResponse, answer: Any) -> Failure:
        error = error_line(answer.get("error")) if isinstance(answer, dict) else None
        code = answer["error"].get("code") if error is not None else None
        reason = error or f"HTTP {response.status} {response.reason or ''}".rstrip()
        if response.status in _PASSING or code == _KEY_IN_USE:
            # An API that says so is there, and its trouble is worth waiting for.
            self._has_answered = self._has_answered or error is not None
            is_open = response.status not in _NOTHING_ACCEPTED
            return Failure(reason, is_open, retry_after_seconds(response.headers), code)
        if error is None:
            raise CommandError(f"{self.where} does not answer as Promptmill does: {reason}", ExitCode.USAGE)
        raise RefusedError(reason, code)


@asynccontextmanager
async def linked_api(
    address: ApiAddress, say: Callable[[str], None], patience: Patience | None = None
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

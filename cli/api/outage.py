"""An API that does not answer: how long it is tried again, and what is said meanwhile."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cli.api.patience import Patience, delay_seconds
from cli.errors import CommandError
from cli.exit_codes import ExitCode


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request has no answer now; `is_open` says that it may have been done all the same.

    `retry_after` is the server's wish in seconds, `code` the error's.
    """

    reason: str
    is_open: bool
    retry_after: float | None = None
    code: Any = None


class Outage:
    """The failures in a row of one request. `where` is the API, in words that begin a sentence."""

    def __init__(self, where: str, patience: Patience, say: Callable[[str], None]) -> None:
        self._where = where
        self._patience = patience
        self._say = say
        self._failures = 0
        self._began: float | None = time.monotonic()
        self._may_be_done = False

    def is_over(self) -> None:
        """The API answers."""
        if self._failures:
            self._say(f"{self._where} answers again")
        self._failures, self._began = 0, None

    async def wait(self, failure: Failure, *, has_answered: bool, in_doubt: str = "") -> None:
        """Wait until it is time to try again; `has_answered` says whether this API ever did.

        Raises:
            CommandError: It was tried for as long as the patience lasts; `in_doubt` is said of what may be done.
        """
        began = self._began = time.monotonic() if self._began is None else self._began
        self._failures += 1
        delay = delay_seconds(self._failures, failure.retry_after, random.random())  # noqa: S311 (spreads clients apart)
        lasts = self._patience.lasts(has_answered=has_answered)
        self._may_be_done = self._may_be_done or failure.is_open
        if time.monotonic() + delay - began > lasts:
            doubt = f"; {in_doubt}" if self._may_be_done and in_doubt else ""
            message = f"{self._where} does not answer: {failure.reason}{doubt}"
            raise CommandError(message, ExitCode.OUT_OF_REACH)
        if self._failures == 1:
            self._say(f"{self._where} does not answer: {failure.reason}; trying again for up to {lasts:g} s")
        await asyncio.sleep(delay)

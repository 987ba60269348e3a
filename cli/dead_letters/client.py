"""`/v1/operator/dead-letters`, page by page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cli.api.link import ApiLink, RefusedError
from cli.errors import CommandError
from cli.exit_codes import ExitCode

_ROOT = "/v1/operator/dead-letters"
_NOT_FOUND = "dead_letter_not_found"
_IN_DOUBT = "run this again: nothing starts twice"


@dataclass(frozen=True, slots=True)
class LettersPage:
    """Part of an answer of many: letters or what became of them, and how far the topic has been looked at."""

    entries: list[dict[str, Any]]
    scanned: int
    remaining: int
    next: str | None


class DeadLetterClient:
    """Every method raises CommandError; see `ApiLink.ask`."""

    def __init__(self, link: ApiLink, headers: Mapping[str, str]) -> None:
        self._link = link
        self._headers = headers

    async def list(self, wanted: Mapping[str, str], *, limit: int, after: str | None) -> LettersPage:
        """A page of at most `limit` letters."""
        params = {**wanted, "limit": str(limit), **({} if after is None else {"after": after})}
        answer = await self._link.ask("GET", _ROOT, headers=self._headers, params=params)
        return self._page(answer, "dead_letters")

    async def show(self, position: str) -> dict[str, Any] | None:
        """One letter with its content; None where there is none, or no more."""
        try:
            answer = await self._link.ask("GET", f"{_ROOT}/{quote(position, safe='')}", headers=self._headers)
        except RefusedError as error:
            if error.code != _NOT_FOUND:
                raise
            return None
        if not isinstance(answer, dict) or not isinstance(answer.get("headers"), dict):
            raise self._unreadable()
        return answer

    async def redrive(self, asked: Mapping[str, Any], *, after: str | None) -> LettersPage:
        """Redrive a page of letters."""
        body = json.dumps({**asked, **({} if after is None else {"after": after})}).encode()
        answer = await self._link.ask("POST", f"{_ROOT}/redrive", body=body, headers=self._headers, in_doubt=_IN_DOUBT)
        return self._page(answer, "items")

    def _page(self, answer: Any, name: str) -> LettersPage:
        try:
            entries: list[Any] = list(answer[name])
            page = LettersPage(entries, int(answer["scanned"]), int(answer["remaining"]), answer["next"])
        except (TypeError, KeyError, ValueError) as error:
            raise self._unreadable() from error
        if not all(isinstance(entry, dict) and isinstance(entry.get("id"), str) for entry in entries):
            raise self._unreadable()
        return page

    def _unreadable(self) -> CommandError:
        return CommandError(f"{self._link.where} does not answer as Promptmill does", ExitCode.USAGE)

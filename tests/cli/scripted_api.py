from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from tests.cli.loopback_site import serving


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the script; ``cut`` breaks the connection off instead."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def refusal(status: int, message: str, code: str = "some_code", **headers: str) -> Reply:
    """An error in the API's shape."""
    error = {"message": message, "type": "server_error", "param": None, "code": code}
    return Reply(status, {"error": error}, {name.replace("_", "-"): value for name, value in headers.items()})


def tasks(*statuses: str, status: int = 200) -> Reply:
    """A list of tasks with ids 0, 1, …"""
    entries = [
        {"task_id": str(number), "status": each, "progress": 0, "result": "r" if each == "completed" else None}
        for number, each in enumerate(statuses)
    ]
    return Reply(status, {"tasks": entries})


class ScriptedApi:
    """Answers requests by a script, for the failures that the real API shows only when something breaks.

    Beyond the script's end its last reply is repeated.
    """

    def __init__(self, url: str, replies: Sequence[Reply]) -> None:
        self.url = url
        self.requests: list[str] = []
        self.keys: list[str | None] = []
        self.authorizations: list[str | None] = []
        self.last_event_ids: list[str | None] = []
        self._replies = deque(replies)

    def _next(self) -> Reply:
        return self._replies.popleft() if len(self._replies) > 1 else self._replies[0]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        self.requests.append(f"{request.method} {request.rel_url}")
        self.keys.append(request.headers.get("Idempotency-Key"))
        self.last_event_ids.append(request.headers.get("Last-Event-ID"))
        self.authorizations.append(request.headers.get("Authorization"))
        reply = self._next()
        if reply.cut:
            assert request.transport is not None
            request.transport.close()
        content = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
        return web.Response(status=reply.status, body=content, headers=reply.headers)


@asynccontextmanager
async def scripted_api(*replies: Reply) -> AsyncIterator[ScriptedApi]:
    """Serve the replies in their order on a port of loopback."""
    api = ScriptedApi("", replies)
    async with serving(web.ServerRunner(web.Server(api.answer))) as api.url:
        yield api

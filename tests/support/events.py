"""A client of server-sent events, as the standard has them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from tests.support.api import Api


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``id`` is the stream's last one where the event has none."""

    name: str
    data: Any
    id: str


@dataclass
class Events:
    """One stream. Iterating ends where the stream does; meanwhile comments and the retry hint are noted."""

    response: aiohttp.ClientResponse
    last_id: str = ""
    retry_ms: int | None = None
    comments: list[str] = field(default_factory=list)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events()

    async def _events(self) -> AsyncIterator[Event]:
        name, data = "message", ""
        async for line in self.response.content:
            text = line.decode().rstrip("\n")
            key, _, value = text.partition(": ")
            if text.startswith(":"):
                self.comments.append(text[1:].strip())
            elif key == "event":
                name = value
            elif key == "data":
                data += value
            elif key == "id":
                self.last_id = value
            elif key == "retry":
                self.retry_ms = int(value)
            elif not text:
                if data:
                    yield Event(name, orjson.loads(data), self.last_id)
                name, data = "message", ""
            else:
                raise AssertionError(f"no line of an event stream: {text!r}")

    async def next(self) -> Event:
        """The next event.

        Raises:
            StopAsyncIteration: The stream has ended.
        """
        return await anext(aiter(self))

    async def rest(self) -> list[Event]:
        """All events until the stream's end."""
        return [event async for event in self]


@asynccontextmanager
async def following(api: Api, path: str, *, after: str | None = None) -> AsyncIterator[Events]:
    """Open a stream: ``/v1/tasks/ID/events``, after an id where one is given; leaving closes the connection."""
    headers = {} if after is None else {"Last-Event-ID": after}
    async with api._session.get(api.url + path, headers=headers) as response:
        assert response.status in {200, 204}, (response.status, await response.text())
        if response.status == 200:
            assert response.headers["content-type"].startswith("text/event-stream")
        yield Events(response)


async def go_on(api: Api, path: str, seen: list[Event], *, enough: Callable[[], bool] = lambda: False) -> bool:
    """Read on after what was seen until the stream ends, breaks or is refused for now, or it is enough.

    Returns whether everything has been told.
    """
    headers = {"Last-Event-ID": seen[-1].id} if seen else {}
    try:
        async with api._session.get(api.url + path, headers=headers) as response:
            assert response.status in {200, 204, 503}, (response.status, await response.text())
            if response.status == 200:
                async for event in Events(response):
                    seen.append(event)
                    if enough():
                        break
            return response.status == 204
    except aiohttp.ClientError:
        return False


def of_tasks(*task_ids: str) -> str:
    """The path of a stream of these tasks."""
    return f"/v1/tasks/events?task_ids={','.join(task_ids)}"


def text_of(events: list[Event]) -> str:
    """What a client of one task has put together."""
    text = ""
    for event in events:
        if event.name == "reset":
            text = ""
        text += event.data.get("delta", "")
    return text

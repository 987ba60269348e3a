"""A Response as a stream of its events."""

from collections.abc import Callable
from typing import Any

import structlog
from fastapi import Response
from starlette.types import Receive, Scope, Send

from common.store.state import TaskState
from producer_api.attendance import while_present
from producer_api.openai_compat.attending import attended, give_up
from producer_api.openai_compat.creation import Created
from producer_api.openai_compat.event_body import KEEP_ALIVE, EventBody
from producer_api.openai_compat.happenings import Ended, Silence, Stopping
from producer_api.openai_compat.outcomes import TOO_LARGE, Failure, failure_of, stopped
from producer_api.openai_compat.response_events import ResponseEvents
from producer_api.openai_compat.task_story import Reading
from producer_api.state import Parts
from producer_api.tasks.listener import TooSlow
from producer_api.tasks.lookup import AnswerTooLarge

Shown = Callable[[TaskState], dict[str, Any] | None]


class ResponseStreamAnswer(Response):
    """Sends the events of one task; `shown` makes the Response of a task that has ended.

    With `waits` the task is the request's alone: it is cancelled should the client leave, and this process goes on
    telling of it for a while after it was asked to end. Without, a client that was cut off comes again.
    """

    def __init__(self, parts: Parts, created: Created, events: ResponseEvents, shown: Shown, *, waits: bool) -> None:
        super().__init__()
        self._parts = parts
        self._created = created
        self._events = events
        self._shown = shown
        self._waits = waits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream to its end, or until the client leaves.

        Raises:
            TooManyFollowers, StoreUnavailable: before anything is sent.
        """
        del scope
        serving = self._serve(send)
        if self._waits:
            await attended(receive, serving, self._created, self._parts.endings)
        else:
            await while_present(receive, serving)

    async def _serve(self, send: Send) -> None:
        body = EventBody(send, self._created.headers)
        try:
            failure = await self._tell(body)
        except AnswerTooLarge:
            failure = TOO_LARGE
        except TooSlow:
            # The server cuts an answer that was not brought to its end.
            self._parts.following_metrics.dropped.labels("too_slow").inc()
            structlog.get_logger(__name__).info("follower dropped", reason="too_slow")
            await self._leave()
            return
        if failure is not None:
            await self._leave()
            await body.put(self._events.broken_off(failure.error))
        await body.end()

    async def _leave(self) -> None:
        if self._waits:
            await give_up(self._created, self._parts.endings)

    async def _tell(self, body: EventBody) -> Failure | None:
        """Send the events, or return why there will be no Response."""
        lingers = self._parts.settings.drain_timeout_seconds if self._waits else 0.0
        reading = Reading(
            since=self._events.since,
            lingers_seconds=lingers,
            appears_by=self._created.expires_at if self._waits else 0.0,
        )
        stories = self._parts.stories
        async with stories.of(self._created.task_id, reading, tenant=self._created.tenant) as happenings:
            # Also for a reader to whom nothing is new: it is heard.
            await body.put(self._events.begin() or KEEP_ALIVE)
            async for happening in happenings:
                match happening:
                    case Ended():
                        return await self._end(body, happening.state)
                    case Stopping():
                        return stopped(is_own=self._created.is_own) if self._waits else None
                    case Silence():
                        await body.put(KEEP_ALIVE)
                    case _:
                        frames = self._events.on(happening)
                        if frames:
                            await body.put(frames)
        raise AssertionError("a story has an end")

    async def _end(self, body: EventBody, state: TaskState | None) -> Failure | None:
        shown = None if state is None else self._shown(state)
        if state is None or shown is None:
            return failure_of(None)
        frames = self._events.end(shown, run=state.run, attempts=state.attempts)
        if frames:
            await body.put(frames)
        return None

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
from producer_api.openai_compat.happenings import Ended, Happening, Silence, Stopping
from producer_api.openai_compat.outcomes import NO_RESPONSE, TOO_LARGE, TOO_SLOW, Failure, failure_of, stopped
from producer_api.openai_compat.response_events import ResponseEvents
from producer_api.openai_compat.task_story import Reading
from producer_api.state import Parts
from producer_api.tasks.listener import TooSlow
from producer_api.tasks.lookup import AnswerTooLarge

# For a reader that does not keep up.
_LAST_WORD_SECONDS = 0.5

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
        serving = self._serve(scope, send)
        if self._waits:
            await attended(receive, serving, self._created, self._parts.endings)
        else:
            await while_present(receive, serving)

    async def _serve(self, scope: Scope, send: Send) -> None:
        body = EventBody(scope, send, self._created.headers)
        try:
            failure = await self._tell(body)
        except AnswerTooLarge:
            failure = TOO_LARGE
        except TooSlow:
            failure = TOO_SLOW
            self._parts.following_metrics.dropped.labels("too_slow").inc()
            structlog.get_logger(__name__).info("follower dropped", reason="too_slow")
        if failure is None:
            await body.end()
            return
        if self._waits:
            await give_up(self._created, self._parts.endings)
        said = self._events.broken_off(failure.error)
        if failure is TOO_SLOW:
            # Who did not wait for it may come again, and go on.
            await body.end(said if self._waits else b"", seconds=_LAST_WORD_SECONDS)
        else:
            await body.end(said)

    async def _tell(self, body: EventBody) -> Failure | None:
        """Send the events, or return why there will be no Response."""
        lingers = self._parts.settings.drain_timeout_seconds if self._waits else 0.0
        reading = Reading(since=self._events.since, lingers_seconds=lingers, appears_by=self._created.expires_at)
        stories = self._parts.stories
        async with stories.of(self._created.task_id, reading, tenant=self._created.tenant) as happenings:
            # Also for a reader to whom nothing is new: it is heard.
            frames: bytes | Failure = self._events.begin() or KEEP_ALIVE
            while True:
                if isinstance(frames, Failure):
                    return frames
                if frames:
                    with happenings.sending():
                        await body.put(frames)
                happening = await anext(happenings, None)
                if happening is None or (isinstance(happening, Stopping) and not self._waits):
                    return None
                frames = self._frames_of(happening)

    def _frames_of(self, happening: Happening) -> bytes | Failure:
        match happening:
            case Silence():
                return KEEP_ALIVE
            case Stopping():
                return stopped(is_own=self._created.is_own)
            case Ended(state):
                shown = None if state is None else self._shown(state)
                if state is None or shown is None:
                    return failure_of(state) or NO_RESPONSE
                return self._events.end(shown, run=state.run, attempts=state.attempts)
            case _:
                return self._events.on(happening)

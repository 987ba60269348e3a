"""A chat completion as the answer to a request that streams it."""

import structlog
from fastapi import Response
from starlette.types import Receive, Scope, Send

from producer_api.openai_compat.answering import outcome_of
from producer_api.openai_compat.attending import attended, give_up
from producer_api.openai_compat.chat_chunks import ChatChunks
from producer_api.openai_compat.creation import Created
from producer_api.openai_compat.event_body import KEEP_ALIVE, EventBody, data_frame
from producer_api.openai_compat.happenings import Ended, Happening, Reset, Silence, Stopping, Text
from producer_api.openai_compat.outcomes import (
    ATTEMPT_LOST,
    NO_COMPLETION,
    TOO_LARGE,
    TOO_SLOW,
    Failure,
    failure_answer,
    stopped,
)
from producer_api.openai_compat.task_story import Reading
from producer_api.state import Parts
from producer_api.tasks.listener import TooSlow
from producer_api.tasks.lookup import AnswerTooLarge

# For a reader that does not keep up.
_LAST_WORD_SECONDS = 0.5


class ChatStreamAnswer(Response):
    """Sends the chunks of one task's answer; a failure before any of them has a status of its own."""

    def __init__(self, parts: Parts, created: Created, chunks: ChatChunks) -> None:
        super().__init__()
        self._parts = parts
        self._created = created
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the answer to its end; the task is cancelled should the client leave.

        Raises:
            TooManyFollowers, StoreUnavailable: before anything is sent.
        """
        await attended(receive, self._serve(scope, receive, send), self._created, self._parts.endings)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
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
        await give_up(self._created, self._parts.endings)
        said = data_frame({"error": failure.error})
        if failure is TOO_SLOW:
            await body.end(said, seconds=_LAST_WORD_SECONDS)
        elif body.begun:
            await body.end(said)
        else:
            await failure_answer(failure, self._created.headers)(scope, receive, send)

    async def _tell(self, body: EventBody) -> Failure | None:
        """Send the answer, or return why there is none."""
        reading = Reading(
            lingers_seconds=self._parts.settings.drain_timeout_seconds, appears_by=self._created.expires_at
        )
        stories = self._parts.stories
        async with stories.of(self._created.task_id, reading, tenant=self._created.tenant) as happenings:
            async for happening in happenings:
                frame = self._frame_of(happening)
                if isinstance(frame, Failure):
                    return frame
                if frame:
                    with happenings.sending():
                        await body.put(frame)
        return None

    def _frame_of(self, happening: Happening) -> bytes | Failure:
        match happening:
            case Text() if self._chunks.tells_text:
                return self._chunks.text(happening.content)
            case Reset() if self._chunks.tells_text:
                return ATTEMPT_LOST
            case Silence():
                return KEEP_ALIVE
            case Stopping():
                return stopped(is_own=self._created.is_own)
            case Ended():
                return self._end(happening)
            case _:
                return b""

    def _end(self, ended: Ended) -> bytes | Failure:
        outcome = outcome_of(ended.state)
        if isinstance(outcome, Failure):
            return outcome
        try:
            return self._chunks.rest(outcome["response"]["body"])
        except ValueError:
            return NO_COMPLETION

"""One task from where its reader left off to its end, as it happens."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass

from common.store.moves import Move
from common.store.scripts import StoreUnavailable
from common.store.texts import Part, Texts
from common.task import Status
from producer_api.following import Following
from producer_api.openai_compat.happenings import (
    BEGINNING,
    Ended,
    Happening,
    Known,
    Position,
    Silence,
    Stopping,
    on_move,
    on_state,
    on_text,
    text_known,
)
from producer_api.tasks.listener import Listener, TooSlow
from producer_api.tasks.looking import look_in_seconds
from producer_api.tasks.lookup import Lookup, StoreRebuilding
from producer_api.tasks.telling import merged
from producer_api.tasks.views import answer_text

_RETRY_LOOK_SECONDS = 1.0
_KEEP_ALIVE_SECONDS, _SEND_SECONDS = 15.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one story is to be told.

    `since` is what its reader knows already. `lingers_seconds` is how long it goes on once this process is to end.
    Until `appears_by` (Unix seconds) a task that the store does not show yet, and a store out of reach, are waited for:
    the task was just accepted.
    """

    since: Position = BEGINNING
    lingers_seconds: float = 0.0
    keep_alive_seconds: float = _KEEP_ALIVE_SECONDS
    appears_by: float = 0.0


class Stories:
    """Tells what happens to tasks. `clock` is monotonic, `now` in Unix seconds."""

    def __init__(
        self,
        lookup: Lookup,
        texts: Texts,
        following: Following,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._lookup = lookup
        self._texts = texts
        self._following = following
        self._clock = clock
        self._now = now

    @asynccontextmanager
    async def of(self, task_id: str, reading: Reading, *, tenant: str) -> AsyncIterator["Story"]:
        """What happens to the task, up to `Ended` or `Stopping`; what is kept for a slow reader is bounded.

        It begins with how the task stands. Entering raises the first two of these, the body the others:
            TooManyFollowers: as many requests follow tasks here as may.
            StoreUnavailable: Redis is out of reach at the beginning, and the task is none that was just accepted.
            TooSlow: more happened than is kept while the reader took nothing, or it took nothing for too long.
            AnswerTooLarge: the result is more than may be held.
        """
        telling = _Telling(task_id, tenant, reading, self._lookup, self._texts, clock=self._clock, now=self._now)
        lingers = reading.lingers_seconds > 0
        listener = Listener(lingers=lingers)
        async with AsyncExitStack() as stack:
            while True:
                try:
                    await stack.enter_async_context(self._following.follow([task_id], listener, lingers=lingers))
                    break
                except StoreUnavailable:
                    if self._now() >= reading.appears_by:
                        raise
                    # The task is made: to give it up now would be to have it made again, and paid for twice.
                    await asyncio.sleep(_RETRY_LOOK_SECONDS)
            await stack.enter_async_context(listener.listening())
            yield Story(await stack.enter_async_context(aclosing(telling.happenings(listener))), listener)


class Story(AsyncIterator[Happening]):
    """What happens to one task, as it is iterated over."""

    def __init__(self, happenings: AsyncIterator[Happening], listener: Listener) -> None:
        self._happenings = happenings
        self._listener = listener

    async def __anext__(self) -> Happening:
        return await anext(self._happenings)

    @contextmanager
    def sending(self, seconds: float = _SEND_SECONDS) -> Iterator[None]:
        """The body sends something to the reader, who may take so long; little, when more comes than is kept."""
        self._listener.send_begins(seconds)
        try:
            yield
        finally:
            self._listener.send_ended()


class _Telling:
    def __init__(
        self,
        task_id: str,
        tenant: str,
        reading: Reading,
        lookup: Lookup,
        texts: Texts,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._task_id = task_id
        self._tenant = tenant
        self._reading = reading
        self._lookup = lookup
        self._texts = texts
        self._clock = clock
        self._now = now
        self._known = Known(reading.since)
        self._look_at = 0.0
        self._is_shown = False
        self._is_over = False

    async def happenings(self, listener: Listener) -> AsyncGenerator[Happening, None]:
        stops_at: float | None = None
        silent_at = self._clock() + self._reading.keep_alive_seconds
        for happening in await self._look():
            yield happening
        while not self._is_over:
            now = self._clock()
            if listener.stopping and stops_at is None:
                stops_at = now + self._reading.lingers_seconds
            if stops_at is not None and now >= stops_at:
                yield Stopping()
                return
            due = min(self._look_at, silent_at, self._look_at if stops_at is None else stops_at)
            await listener.wait(max(0.0, due - now))
            if listener.overrun:
                raise TooSlow
            happened = await self._since(listener)
            if happened:
                silent_at = self._clock() + self._reading.keep_alive_seconds
            elif self._clock() >= silent_at:
                silent_at = self._clock() + self._reading.keep_alive_seconds
                happened = [Silence()]
            for happening in happened:
                yield happening

    async def _since(self, listener: Listener) -> Sequence[Happening]:
        """What was heard, and what is read where that is due."""
        happened: list[Happening] = []
        moves = listener.take()
        for move in merged(moves):
            if not move.is_end:
                more, self._known = on_move(await self._with_text_between(move), self._known)
                happened += more
        # A task that was never shown here may have been deleted all the same.
        self._is_shown = self._is_shown or bool(moves)
        if listener.take_doubt() or any(move.is_end for move in moves) or self._clock() >= self._look_at:
            happened += await self._look()
        return happened

    async def _look(self) -> Sequence[Happening]:
        """What is new in how the task stands now; nothing where that cannot be read."""
        self._look_at = self._clock() + _RETRY_LOOK_SECONDS
        try:
            [state] = await self._lookup.find([self._task_id], tenant=self._tenant)
        except (StoreRebuilding, StoreUnavailable):
            return ()
        if state is None:
            if not self._is_shown and self._now() < self._reading.appears_by:
                return ()
            self._is_over = True
            return [Ended(None)]
        self._is_shown = True
        self._is_over = state.status.is_final
        answer = answer_text(state) if state.status is Status.COMPLETED else None
        happened, self._known = on_state(state, answer or "", self._known)
        if state.status is Status.PROCESSING and state.tokens:
            more, self._known = on_text(await self._kept_text(self._known.position), self._known)
            happened += more
        self._look_at = self._clock() + look_in_seconds([state.expires_at], now=self._now())
        return happened

    async def _with_text_between(self, move: Move) -> Move:
        """The move, with the text before its part where some was missed; without any where that is gone."""
        offset = text_known(move, self._known)
        if move.part is None or move.part.start <= offset:
            return move
        text = await self._kept_text(Position(move.run, move.attempts, offset))
        return move._replace(part=Part(offset, text) if text else None)

    async def _kept_text(self, after: Position) -> bytes:
        """What the store has of the text behind that; nothing where it is out of reach: the rest comes later."""
        try:
            return await self._texts.read(self._task_id, run=after.run, attempts=after.attempt, after=after.offset)
        except StoreUnavailable:
            return b""

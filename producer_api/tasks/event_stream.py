"""Server-sent events of tasks: how they stand, then every move, until all have ended."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import orjson

from common.store.moves import Move
from common.store.scripts import StoreUnavailable
from common.store.state import TaskState
from common.store.texts import Part, Texts
from common.task import Status, parse_task_id
from producer_api.following import Following
from producer_api.tasks.cursor import NOTHING, Cursor
from producer_api.tasks.listener import Listener, TooSlow
from producer_api.tasks.looking import look_in_seconds
from producer_api.tasks.lookup import Lookup, StoreRebuilding
from producer_api.tasks.telling import Event, known_text, merged, tell_move, tell_state, tell_text

# So many results of the largest kind are held at once.
_IDS_PER_LOOK = 8
_RETRY_LOOK_SECONDS = 1.0
_RETRY_MS = 1000

Send = Callable[[bytes], Awaitable[None]]

STOPPING = b"retry: %d\n: this API is stopping; connect again with Last-Event-ID\n\n" % _RETRY_MS
_KEEP_ALIVE = b": keep-alive\n\n"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a stream is silent at most, in seconds, and how long a reader may take nothing."""

    keep_alive_seconds: float = 15.0
    send_timeout_seconds: float = 30.0


class EventStream:
    """One stream of the tasks `asked` for by `tenant`, after what `last_event_id` says was told before.

    Raises:
        ValueError: `last_event_id` is none of a stream of these tasks.
    """

    def __init__(
        self,
        asked: Sequence[str],
        *,
        tenant: str,
        last_event_id: str | None,
        lookup: Lookup,
        texts: Texts,
        following: Following,
        clock: Callable[[], float],
        now: Callable[[], float],
        pace: Pace,
    ) -> None:
        self._asked = {parse_task_id(text) or text: text for text in asked}
        self._ids = list(self._asked)
        self._cursor = Cursor(self._ids)
        told = [NOTHING] * len(self._ids) if last_event_id is None else self._cursor.read(last_event_id)
        self._places = {task_id: place for place, task_id in enumerate(self._ids)}
        self._told = told
        self._tenant = tenant
        self._lookup = lookup
        self._texts = texts
        self._following = following
        self._clock = clock
        self._now = now
        self._pace = pace
        self._expiries: dict[str, float] = {}

    @property
    def is_over(self) -> bool:
        """Whether every task's end was told."""
        return all(told.ended for told in self._told)

    async def known(self) -> list[str]:
        """The ids asked for that name tasks.

        Raises:
            StoreRebuilding, StoreUnavailable: as `Lookup.find`.
        """
        known = []
        for some in _in_pieces(self._ids):
            known += [state.task_id for state in await self._find(some) if state is not None]
        return known

    async def run(self, listener: Listener, send: Send) -> None:
        """Send everything until all tasks have ended or the listener is stopped.

        The tasks that exist are followed by `listener` since before.

        Raises:
            TooSlow: the reader does not keep up; nothing more can be sent.
            AnswerTooLarge: a single result is more than may be held.
        """
        async with listener.listening():
            await self._run(listener, send)

    async def _run(self, listener: Listener, send: Send) -> None:
        look_at = await self._look_at_all(listener, send)
        # So that a reader that was told everything before learns that it is heard.
        await self._send(listener, send, [_KEEP_ALIVE])
        silent_until = self._clock() + self._pace.keep_alive_seconds
        while not (self.is_over or listener.stopping):
            await listener.wait(max(0.0, min(look_at, silent_until) - self._clock()))
            if listener.overrun:
                raise TooSlow
            moves = listener.take()
            frames = await self._frames_of(moves)
            if not frames and self._clock() >= silent_until:
                frames = [_KEEP_ALIVE]
            if frames:
                await self._send(listener, send, frames)
                silent_until = self._clock() + self._pace.keep_alive_seconds
            ended = list(dict.fromkeys(move.task_id for move in moves if move.is_end))
            if listener.take_doubt() or self._clock() >= look_at:
                look_at = await self._look_at_all(listener, send)
            elif ended and not await self._look(ended, listener, send):
                look_at = self._clock() + _RETRY_LOOK_SECONDS

    async def _look_at_all(self, listener: Listener, send: Send) -> float:
        """Tell of all tasks whose end was not told; when that is to be done next, whatever happens."""
        open_ids = [task_id for task_id, told in zip(self._ids, self._told, strict=True) if not told.ended]
        if not await self._look(open_ids, listener, send):
            return self._clock() + _RETRY_LOOK_SECONDS
        return self._clock() + look_in_seconds(self._expiries.values(), now=self._now())

    async def _look(self, task_ids: Sequence[str], listener: Listener, send: Send) -> bool:
        """Tell of these tasks as they stand now; whether they could be read."""
        for some in _in_pieces(task_ids):
            try:
                states = await self._find(some)
            except (StoreRebuilding, StoreUnavailable):
                return False
            frames: list[bytes] = []
            for task_id, state in zip(some, states, strict=True):
                place = self._places[task_id]
                frames += self._frames(tell_state(self._asked[task_id], state, self._told[place]), place)
                if state is not None and state.status is Status.PROCESSING and state.tokens:
                    frames += self._frames(tell_text(state, await self._text(state, place), self._told[place]), place)
                if state is None or state.status.is_final:
                    self._expiries.pop(task_id, None)
                else:
                    self._expiries[task_id] = state.expires_at
            await self._send(listener, send, frames)
        return True

    async def _text(self, state: TaskState, place: int) -> bytes:
        """What came of the text of a task under way, and was not told."""
        known = known_text(state.run, state.attempts, self._told[place])
        try:
            return await self._texts.read(state.task_id, run=state.run, attempts=state.attempts, after=known)
        except StoreUnavailable:
            # The next part will be behind a gap, and be read then.
            return b""

    async def _find(self, task_ids: Sequence[str]) -> list[TaskState | None]:
        return await self._lookup.find(task_ids, tenant=self._tenant)

    async def _frames_of(self, moves: Sequence[Move]) -> list[bytes]:
        frames: list[bytes] = []
        for move in merged(moves):
            if not move.is_end:
                place = self._places[move.task_id]
                known = known_text(move.run, move.attempts, self._told[place])
                is_gap = move.part is not None and move.part.start > known
                whole = await self._with_text_between(move, known) if is_gap else move
                frames += self._frames(tell_move(whole, self._told[place]), place)
        return frames

    async def _with_text_between(self, move: Move, known: int) -> Move:
        """The move, with the text after the `known` bytes that was missed; without any where that is gone."""
        try:
            text = await self._texts.read(move.task_id, run=move.run, attempts=move.attempts, after=known)
        except StoreUnavailable:
            text = b""
        return move._replace(part=Part(known, text) if text else None)

    def _frames(self, events: Iterable[Event], place: int) -> list[bytes]:
        frames = []
        for event in events:
            self._told[place] = event.told
            cursor = self._cursor.write(self._told).encode()
            frames.append(b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor, event.name.encode(), orjson.dumps(event.data)))
        return frames

    async def _send(self, listener: Listener, send: Send, frames: list[bytes]) -> None:
        if not frames:
            return
        listener.send_begins(self._pace.send_timeout_seconds)
        try:
            await send(b"".join(frames))
        finally:
            listener.send_ended()


def dropped(reason: str) -> bytes:
    """The last event of a stream whose reader is dropped; it may connect again with the id it has."""
    data = orjson.dumps({"reason": reason, "message": "Connect again with Last-Event-ID."})
    return b"retry: %d\nevent: dropped\ndata: %b\n\n" % (_RETRY_MS, data)


def _in_pieces(task_ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (task_ids[first : first + _IDS_PER_LOOK] for first in range(0, len(task_ids), _IDS_PER_LOOK))

"""Records in work: as many at once as there are slots, each from its handler's call to its offset done."""

import asyncio
import itertools
import math
import random
import time
from collections.abc import Callable

import structlog

from consumer.engine.backlog import Backlog
from consumer.engine.backoff import Backoff
from consumer.engine.dead_letters import dead_letter
from consumer.engine.partition import Work
from consumer.engine.ports import Gate, Handler, Held, Outcome, OutgoingRecord, RetryAfter, Settled
from consumer.engine.publishing import Publisher
from consumer.engine.tail_moves import TailMoves
from consumer.metrics import EngineMetrics

# All that begins in one turn of the event loop goes on in one turn as well, and hundreds of calls take long to begin:
# what ends a call, or keeps its lease, must not wait for them.
_STARTS_A_TURN = 16
_BACKOFF = Backoff(first_seconds=1.0, cap_seconds=60.0)


class Slots:
    """Gives ready records to the handler and sees their outcomes through.

    `ready` is set when the backlog may have a record to start. What breaks outside of the handler goes to `failed`.
    `now` is the wall clock, in Unix seconds.
    """

    def __init__(
        self,
        handler: Handler,
        backlog: Backlog,
        ready: asyncio.Event,
        tail_moves: TailMoves,
        publisher: Publisher,
        *,
        gate: Gate,
        concurrency: int,
        max_errors: int,
        dead_letter_topic: str,
        failed: Callable[[BaseException], None],
        metrics: EngineMetrics,
        rng: random.Random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._handler = handler
        self._backlog = backlog
        self._ready = ready
        self._tail_moves = tail_moves
        self._publisher = publisher
        self._gate = gate
        self._concurrency = concurrency
        self._free = asyncio.Semaphore(concurrency)
        self._max_errors = max_errors
        self._dead_letter_topic = dead_letter_topic
        self._failed = failed
        self._metrics = metrics
        self._rng = rng
        self._now = now
        self._handling = 0
        self._running: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger(__name__)

    @property
    def handling(self) -> int:
        """Records that hold a slot."""
        return self._handling

    async def run(self) -> None:
        """Start ready records as slots become free, until cancelled."""
        for count in itertools.count(1):
            await self._free.acquire()
            work = await self._next()
            running = asyncio.create_task(self._carry(work), name=f"record {work.delivery.offset}")
            self._running.add(running)
            running.add_done_callback(self._ended)
            if count % _STARTS_A_TURN == 0:
                await asyncio.sleep(0)

    async def finish(self, timeout_seconds: float) -> int:
        """Let what is in work end; cancel what has not after the timeout, and return how many records that were."""
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_seconds)
        late = list(self._running)
        for running in late:
            running.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)

    async def _next(self) -> Work:
        while True:
            await self._publisher.room()
            await self._gate.opened()
            work = self._backlog.start()
            if work is not None:
                # Before anything is awaited: a gate may let pass one at a time.
                self._gate.entered(work.delivery)
                return work
            self._ready.clear()
            await self._ready.wait()

    def _ended(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        if not running.cancelled() and (error := running.exception()) is not None:
            self._failed(error)

    async def _carry(self, work: Work) -> None:
        """One record's way through: the slot is held for the handler's call only."""
        self._handling += 1
        try:
            outcome = await self._handle(work)
        finally:
            self._handling -= 1
            self._gate.left(work.delivery)
            self._free.release()
        await self._conclude(work, outcome)

    async def _handle(self, work: Work) -> Outcome:
        delivery = work.delivery
        if work.unreadable is not None:
            return Settled((self._dead_letter(work, "unreadable", work.unreadable),))
        began = time.perf_counter()
        if work.started_at is None:
            work.started_at = began
            if work.fresh and delivery.timestamp_ms > 0:
                waited = max(0.0, self._now() - delivery.timestamp_ms / 1000)
                self._metrics.waited.labels(delivery.topic).observe(waited)
        outcome: Outcome
        try:
            outcome = _checked(await self._handler.handle(delivery))
            label = type(outcome).__name__.lower()
        except asyncio.CancelledError:
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]  # this is a coroutine's code
                raise
            # Nobody cancelled this record: a cancellation of the handler's own got out of it.
            outcome, label = await self._error(work, "CancelledError"), "error"
        except Exception as error:  # noqa: BLE001 - whatever a role's bug raises, its neighbours go on
            self._say("handler failed", work, error)
            outcome, label = await self._error(work, type(error).__name__), "error"
        self._metrics.handled.labels(delivery.topic, label).observe(time.perf_counter() - began)
        return outcome

    async def _error(self, work: Work, error_code: str) -> Outcome:
        """A bug of ours: try again, in case it passes; in the end give the record up, so that its neighbours go on."""
        work.errors += 1
        self._metrics.handler_errors.labels(work.delivery.topic).inc()
        if work.errors < self._max_errors:
            return RetryAfter(_BACKOFF.delay_seconds(work.errors, self._rng))
        try:
            given_up = await self._handler.give_up(work.delivery, error_code)
            outcome = None if given_up is None else _checked(given_up)
        except Exception as error:  # noqa: BLE001 - the same bug, most likely
            self._say("not given up", work, error)
            work.give_up_errors += 1
            if work.give_up_errors < self._max_errors:
                return RetryAfter(_BACKOFF.delay_seconds(work.give_up_errors, self._rng))
            outcome = None
        if outcome is None:
            outcome = Settled((self._dead_letter(work, "handler_error", error_code),))
        if isinstance(outcome, Settled):
            self._metrics.given_up.labels(work.delivery.topic).inc()
        return outcome

    def _say(self, event: str, work: Work, error: Exception) -> None:
        self._log.error(
            event,
            topic=work.delivery.topic,
            partition=work.delivery.partition,
            at=work.delivery.offset,
            error=type(error).__name__,
            # The log's renderer writes frames and types; an exception's text may quote the record.
            exc_info=True,
        )

    def _dead_letter(self, work: Work, reason: str, error_code: str) -> OutgoingRecord:
        return dead_letter(
            work.delivery,
            topic=self._dead_letter_topic,
            reason=reason,
            error_code=error_code,
            failed_at=self._now(),
            by_reference=work.unreadable is not None,
        )

    async def _conclude(self, work: Work, outcome: Outcome) -> None:
        match outcome:
            case Settled():
                if await self._publisher.publish(work.delivery, outcome):
                    self._done(work)
                else:
                    await self._again(work, 0.0)
            case RetryAfter(delay_seconds):
                self._metrics.retried.labels(work.delivery.topic).inc()
                if outcome.attempts is not None:
                    work.attempts = outcome.attempts
                if outcome.failures is not None:
                    work.failures = outcome.failures
                await self._again(work, delay_seconds)
            case Held(reason, delay_seconds):
                delivery = work.delivery
                self._metrics.held.labels(delivery.topic, reason).inc()
                self._log.warning(
                    "record held",
                    reason=reason,
                    topic=delivery.topic,
                    partition=delivery.partition,
                    at=delivery.offset,
                    delay_seconds=delay_seconds,
                )
                await self._again(work, delay_seconds, held=True)

    def _done(self, work: Work) -> None:
        self._backlog.finish(work)
        work.done()
        topic = work.delivery.topic
        self._metrics.finished.labels(topic).inc()
        if work.started_at is not None:
            self._metrics.done.labels(topic).observe(time.perf_counter() - work.started_at)

    async def _again(self, work: Work, delay_seconds: float, *, held: bool = False) -> None:
        work.held = held
        await self._tail_moves.wait(work, delay_seconds)


def _checked(outcome: object) -> Outcome:
    """The outcome, if it is one.

    Raises:
        TypeError: it is none of the closed set.
        ValueError: its delay is no time to wait.
    """
    match outcome:
        case Settled():
            return outcome
        case RetryAfter(delay_seconds) | Held(_, delay_seconds):
            if not 0 <= delay_seconds < math.inf:
                raise ValueError(f"a delay of {delay_seconds} seconds")
            return outcome
        case _:
            raise TypeError(f"{type(outcome).__name__} is no outcome")

"""How a claim ends in the store, and what may be published then: only by who recorded it, or read it there."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog

from common.store.claims import Finish, Hold
from common.store.leases import Leases
from common.store.reading import TaskReader
from common.task import Task
from common.topics import TopicNames
from consumer.engine.ports import Delivery, Outcome, RetryAfter, Settled
from consumer.llm.chance import Chance
from consumer.llm.decision import Conclude, TryAgain, expired
from consumer.llm.kept_outcomes import KeptOutcomes
from consumer.llm.lease_keeper import HeldLease
from consumer.llm.metrics import LlmMetrics
from consumer.llm.records import (
    concluded_result,
    forgotten_record,
    outgoing_records,
    recorded_outcome,
    stored_result,
)
from consumer.llm.store_pace import StorePace, to_its_end

T = TypeVar("T")

# A task held elsewhere may be given back or end long before its lease would.
LOOK_AGAIN_SECONDS = 2.0
# What a worker that is told to end at once still takes to tell Redis.
_GRACE_SECONDS = 2.0


class Recorder:
    """Ends claims. A move that Redis does not answer is repeated until it does: a call was paid for by then."""

    def __init__(
        self,
        *,
        leases: Leases,
        reader: TaskReader,
        kept: KeptOutcomes,
        pace: StorePace,
        names: TopicNames,
        lease_seconds: float,
        chance: Chance,
        metrics: LlmMetrics,
    ) -> None:
        self._leases = leases
        self._reader = reader
        self._kept = kept
        self._pace = pace
        self._names = names
        self._lease_seconds = lease_seconds
        self._chance = chance
        self._metrics = metrics
        self._log = structlog.get_logger(__name__)

    async def record(self, lease: HeldLease, conclusion: Conclude, delivery: Delivery) -> Outcome:
        """End the run. The dead letter, if there is one, goes out before the result."""
        claim, finished_at = lease.claim, self._chance.now()
        value = concluded_result(claim, conclusion, finished_at=finished_at)
        epoch = self._kept.epoch

        async def finish() -> Finish:
            return await self._leases.finish(
                claim,
                conclusion.status,
                value,
                finished_at=finished_at,
                failures=conclusion.failures,
                may_restore=lease.runs,
                model=conclusion.model,
            )

        match await to_its_end(partial(self._answered, "finish", finish), grace_seconds=_GRACE_SECONDS):
            case Finish.RECORDED:
                outcome = recorded_outcome(claim, conclusion, value, finished_at=finished_at)
                self._kept.keep((delivery.topic, delivery.partition, delivery.offset), outcome, epoch=epoch)
                self._metrics.ended(claim, conclusion.status, finished_at=finished_at)
                self._log.info(
                    conclusion.status.value,
                    attempt=claim.attempts,
                    code=None if conclusion.error is None else conclusion.error.code,
                    seconds=round(finished_at - claim.started_at, 3),
                )
                records = outgoing_records(delivery, claim.task, value, conclusion.status, self._names)
                return Settled(records, publish_before=lease.lapses_at, publish_if=self._same_store(epoch))
            case Finish.OVERDUE:
                return await self.record(lease, expired(conclusion.failures, called=conclusion.called), delivery)
            case Finish.LOST:
                return await self.after_loss(Hold.LOST, lease, delivery)
            case Finish.FINAL:
                return await self.after_loss(Hold.FINAL, lease, delivery)
            case Finish.DELETED:
                return await self.after_loss(Hold.DELETED, lease, delivery)

    async def give_back(self, lease: HeldLease, again: TryAgain, delivery: Delivery, *, called: bool = True) -> Outcome:
        """Let the task wait for its next attempt, which holds neither a slot nor a lease."""
        release = partial(self._release, lease, again, called=called)
        match await to_its_end(release, grace_seconds=_GRACE_SECONDS):
            case Hold.LOST | Hold.FINAL | Hold.DELETED as hold:
                return await self.after_loss(hold, lease, delivery)
            case Hold.RELEASED | Hold.HELD:
                self._metrics.retries.labels(again.cause).inc()
                self._log.info(
                    "given back",
                    attempt=lease.claim.attempts,
                    failures=again.failures,
                    cause=again.cause,
                    delay_seconds=round(again.delay_seconds, 3),
                )
                return RetryAfter(again.delay_seconds, lease.claim.attempts, again.failures)

    async def abandon(self, lease: HeldLease, as_it_was: TryAgain) -> None:
        """Give the task back on the way out, briefly and whatever happens: at worst its lease lapses."""
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                hold = await self._release(lease, as_it_was, called=True)
            self._log.info("abandoned", attempt=lease.claim.attempts, hold=hold.value)
        except Exception:  # noqa: BLE001 - what the caller is about to raise matters more
            self._log.exception("not given back", attempt=lease.claim.attempts)

    async def _release(self, lease: HeldLease, again: TryAgain, *, called: bool) -> Hold:
        async def release() -> Hold:
            return await self._leases.release(
                lease.claim,
                delay_seconds=again.delay_seconds,
                failures=again.failures,
                called=called,
                may_restore=lease.runs,
                cause=again.cause,
            )

        return await self._answered("release", release)

    async def after_loss(self, hold: Hold, lease: HeldLease, delivery: Delivery) -> Outcome:
        """The task is no longer this worker's: throw away what its call came to, and see to its end elsewhere."""
        self._metrics.lost_claims.inc()
        say = self._log.warning if hold is Hold.LOST else self._log.info
        say("claim lost", attempt=lease.claim.attempts, hold=hold.value)
        match hold:
            case Hold.FINAL:
                return await self.publish_again(lease.claim.task, delivery)
            case Hold.DELETED:
                return self.forget(lease.claim.task)
            case _:
                return RetryAfter(LOOK_AGAIN_SECONDS)

    def forget(self, task: Task) -> Outcome:
        """Leave nothing of a deleted task in the results topic. Late is as good as soon: nothing comes after it."""
        self._metrics.forgotten.inc()
        return Settled((forgotten_record(task.task_id, self._names),))

    async def publish_again(self, task: Task, delivery: Delivery) -> Outcome:
        """Publish what the store has of a run that ended before: it may have been recorded and not published.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        since, epoch = self._chance.clock(), self._kept.epoch
        [state] = await self._reader.read([task.task_id])
        if state is None:
            # Deleted or lost since the store was asked: the claim knows which, and what follows.
            return RetryAfter(0)
        if state.run > task.run:
            self._log.info("skipped", reason="started anew")
            return Settled()
        if state.run < task.run or not state.status.is_final:
            # The store went back in time since it was asked.
            return RetryAfter(LOOK_AGAIN_SECONDS)
        value = stored_result(task, state)
        if value is None:
            self._log.info("skipped", reason="result gone")
            return Settled()
        self._metrics.republished.inc()
        self._log.info("published again", status=state.status.value)
        records = outgoing_records(delivery, task, value, state.status, self._names)
        return Settled(records, publish_before=since + self._lease_seconds, publish_if=self._same_store(epoch))

    def _same_store(self, epoch: int) -> Callable[[], bool]:
        """Whether the store is the one of `epoch`, by the last look at its marker: about a second ago, or less.

        What was recorded in another may have come to another end in this one by the time it is published.
        """
        return lambda: self._kept.epoch == epoch

    async def _answered(self, name: str, move: Callable[[], Awaitable[T]]) -> T:
        def count() -> None:
            self._metrics.store_failures.labels(name).inc()
            self._log.warning("redis does not answer", move=name)

        return await self._pace.until_answered(move, count)

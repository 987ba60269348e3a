"""The life of a task in this process, top to bottom: decode, claim, call, decide, record or give back."""

from dataclasses import replace
from functools import partial

import structlog

from common.record import UnknownVersion, UnreadableRecord, decode_task
from common.result import ApiError
from common.store.claims import Busy, Claimed, ClaimReply, Ended, Exhausted, Lapsed, Missing, Skip, Waiting
from common.store.leases import Leases
from common.store.reading import TaskReader
from common.store.scripts import StoreUnavailable
from common.task import Status, Task
from common.telemetry.log_context import log_context
from common.topics import TopicNames
from consumer.engine.dead_letters import dead_letter
from consumer.engine.ports import Delivery, Held, Outcome, RetryAfter, Settled
from consumer.engine.tail import resumption
from consumer.llm.brake import Sign
from consumer.llm.braking import Braking
from consumer.llm.chance import Chance
from consumer.llm.claim_tokens import ClaimTokens
from consumer.llm.decision import WORKER_LOST, Conclude, Decision, TryAgain, decide, failed, given_up, stretched
from consumer.llm.lease_keeper import HeldLease, LeaseKeeper, LeaseLost
from consumer.llm.metrics import LlmMetrics
from consumer.llm.outcomes import CallOutcome, Cause, Faulted, Model, Rejected
from consumer.llm.questions import Questions
from consumer.llm.recorder import LOOK_AGAIN_SECONDS, Recorder
from consumer.llm.retry_budget import RetryBudget
from consumer.llm.retry_policy import RetryPolicy
from consumer.llm.store_pace import StorePace
from consumer.llm.store_watch import StoreWatch
from consumer.llm.text_flow import TextFlows
from consumer.llm.tracing import Attempts
from consumer.llm.unreadable import ERROR_CODE, named_tenant, task_to_fail, tenant_of, unreadable_error

_HELD_SECONDS = 30.0
_HELD_BY_BRAKE = Held("brake", _HELD_SECONDS)
# The store's word is doubted: the API may be about to say more, or a holder to write back.
_DOUBTED_SECONDS = 1.0


class Executor:
    """The engine's handler for task records. Its parts are shared by all calls in flight; it closes none of them."""

    def __init__(
        self,
        *,
        leases: Leases,
        keeper: LeaseKeeper,
        watch: StoreWatch,
        reader: TaskReader,
        model: Model,
        questions: Questions,
        texts: TextFlows,
        recorder: Recorder,
        braking: Braking,
        policy: RetryPolicy,
        budget: RetryBudget,
        pace: StorePace,
        names: TopicNames,
        call_timeout_seconds: float,
        max_answer_bytes: int,
        deadline_seconds: float,
        chance: Chance,
        metrics: LlmMetrics,
        attempts: Attempts,
    ) -> None:
        self._leases = leases
        self._keeper = keeper
        self._watch = watch
        self._reader = reader
        self._model = model
        self._questions = questions
        self._texts = texts
        self._recorder = recorder
        self._braking = braking
        self._policy = policy
        self._budget = budget
        self._pace = pace
        self._names = names
        self._call_timeout_seconds = call_timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._deadline_seconds = deadline_seconds
        self._chance = chance
        self._metrics = metrics
        self._attempts = attempts
        self._tokens = ClaimTokens(chance.new_token)
        self._store_failures = 0
        self._log = structlog.get_logger(__name__)

    async def handle(self, delivery: Delivery) -> Outcome:
        """Lead one delivery to its outcome; while Redis is out of reach it is put off, and no call begun."""
        try:
            outcome = await self._decode(delivery)
        except StoreUnavailable as error:
            return self._put_off(error)
        except Exception:
            self._braking.note(delivery, Sign.OWN_ERROR, tenant=named_tenant(delivery))
            raise
        if self._store_failures:
            self._log.info("redis answers again", failures=self._store_failures)
            self._store_failures = 0
        return outcome

    async def give_up(self, delivery: Delivery, error_code: str) -> Outcome | None:
        """Fail the task that our own errors keep from being handled; not while they keep nearly all from it."""
        if self._braking.is_on:
            return _HELD_BY_BRAKE
        try:
            task = decode_task(delivery.value)
        except (UnknownVersion, UnreadableRecord):
            return None
        with _in_log(delivery, task_id=task.task_id, run=task.run):
            try:
                return await self._claim(task, delivery, failure=given_up(error_code))
            except StoreUnavailable as error:
                return self._put_off(error)

    def _put_off(self, error: StoreUnavailable) -> RetryAfter:
        self._store_failures += 1
        delay = self._pace.delay_seconds(self._store_failures)
        # Every record that is ready comes by here meanwhile: one line says it for all.
        say = self._log.warning if self._store_failures == 1 else self._log.debug
        say("put off", reason=str(error), delay_seconds=round(delay, 3))
        return RetryAfter(delay)

    async def _decode(self, delivery: Delivery) -> Outcome:
        try:
            task = decode_task(delivery.value)
        except UnknownVersion as error:
            with _in_log(delivery):
                self._log.error("record of an unknown version held", version=error.version)
            return Held("unknown_version", _HELD_SECONDS)
        except UnreadableRecord as error:
            with _in_log(delivery, task_id=error.task_id):
                return await self._bury(error, delivery)
        with _in_log(delivery, task_id=task.task_id, run=task.run):
            return await self._claim(task, delivery)

    async def _claim(  # noqa: C901, PLR0911 - one for each answer of the store
        self, task: Task, delivery: Delivery, *, failure: ApiError | None = None
    ) -> Outcome:
        """Take the task and call the model; with a `failure`, take it only to end it by that."""
        if not self._keeper.in_touch:
            return RetryAfter(LOOK_AGAIN_SECONDS)
        if not self._watch.is_current:
            await self._watch.look()
        if not self._watch.settled:
            return RetryAfter(_DOUBTED_SECONDS)
        since = self._chance.clock()
        match await self._ask_for(task, delivery, will_call=failure is None):
            case (Claimed(claim) | Exhausted(claim)) as reply:
                asked_for = self._chance.clock() - since
                with (
                    self._keeper.keep(claim, since=since) as lease,
                    self._attempts.attempt(claim, delivery, asked_for_seconds=asked_for),
                ):
                    if failure is None and isinstance(reply, Claimed):
                        return await self._call(lease, delivery)
                    return await self._end(lease, failed(failure or WORKER_LOST, claim.failures), delivery)
            case Busy(for_seconds):
                return RetryAfter(min(for_seconds, LOOK_AGAIN_SECONDS))
            case Waiting(for_seconds, attempts, failures):
                return RetryAfter(for_seconds, attempts, failures)
            case Missing() | Lapsed():
                return RetryAfter(_DOUBTED_SECONDS)
            case Ended(by_this_claim):
                if by_this_claim:
                    self._metrics.outcomes.labels(Status.EXPIRED).inc()
                self._note_handled(delivery, failure)
                return await self._recorder.publish_again(task, delivery)
            case Skip.DELETED:
                return self._recorder.forget(task)
            case Skip() as reason:
                self._note_handled(delivery, failure)
                self._log.info("skipped", reason=reason.value)
                return Settled()

    def _note_handled(self, delivery: Delivery, failure: ApiError | None) -> None:
        """A record that is done with no call to make; one that is failed was noted where it failed."""
        if failure is None:
            self._braking.note(delivery, Sign.HANDLED)

    async def _ask_for(self, task: Task, delivery: Delivery, *, will_call: bool) -> ClaimReply:
        token = self._tokens.take(task.task_id)
        known = resumption(delivery.headers)
        ask = partial(
            self._leases.claim,
            task,
            token=token,
            partition=delivery.partition,
            offset=delivery.offset,
            attempts=known.attempts,
            failures=known.failures,
            not_before=known.not_before,
            will_call=will_call,
        )
        try:
            reply = await ask(may_create=False, may_take_over=False, connection=self._watch.connection)
            # What seems to be free is taken only from a store that has lost nothing as of now.
            if isinstance(reply, Missing | Lapsed) and await self._watch.confirms(reply):
                reply = await ask(
                    may_create=isinstance(reply, Missing),
                    may_take_over=isinstance(reply, Lapsed),
                    connection=self._watch.connection,
                )
        except StoreUnavailable:
            self._tokens.unanswered(task.task_id, token)
            self._metrics.store_failures.labels("claim").inc()
            raise
        self._metrics.claims.labels(reply.value if isinstance(reply, Skip) else type(reply).__name__.lower()).inc()
        return reply

    async def _call(self, lease: HeldLease, delivery: Delivery) -> Outcome:
        """Call the model under the lease, and decide what follows from how that ended."""
        claim = lease.claim
        as_it_was = TryAgain(delay_seconds=0, failures=claim.failures)
        if not lease.runs:
            # The store's answer took longer than the lease is: somebody else may have the task by now.
            return await self._recorder.give_back(lease, as_it_was, delivery, called=False)
        expires_at = self._chance.clock() + claim.expires_in_seconds
        self._log.debug("called", attempt=claim.attempts)
        try:
            outcome = await self._call_model(lease, delivery)
        except LeaseLost as lost:
            self._attempts.lost()
            return await self._recorder.after_loss(lost.hold, lease, delivery)
        except BaseException:
            # The end of this process, or a bug of ours: no failure of the task, which the next worker may have at once.
            await self._recorder.abandon(lease, as_it_was)
            raise
        seconds_left = expires_at - self._chance.clock()
        decision = decide(outcome, claim, self._policy, seconds_left=seconds_left, jitter=self._chance.jitter())
        if not isinstance(outcome, Faulted):
            self._budget.answered()
        if isinstance(decision, TryAgain):
            decision = self._within_budget(decision, seconds_left)
        return await self._end(lease, decision, delivery)

    async def _end(self, lease: HeldLease, decision: Decision, delivery: Delivery) -> Outcome:
        with self._attempts.ending(decision):
            match decision:
                case Conclude():
                    return await self._recorder.record(lease, decision, delivery)
                case TryAgain():
                    return await self._recorder.give_back(lease, decision, delivery)

    def _within_budget(self, again: TryAgain, seconds_left: float) -> TryAgain:
        least = self._budget.least_delay_seconds(now=self._chance.clock(), jitter=self._chance.jitter())
        self._metrics.retry_budget.set(self._budget.tokens)
        if least <= again.delay_seconds:
            return again
        self._metrics.stretched_retries.inc()
        return stretched(again, least, seconds_left=seconds_left)

    async def _call_model(self, lease: HeldLease, delivery: Delivery) -> CallOutcome:
        claim = lease.claim
        deadline = min(self._call_timeout_seconds, claim.expires_in_seconds)
        with self._metrics.measured_call() as call:
            try:
                async with lease.guard():
                    outcome = await self._answer(lease, deadline_seconds=deadline)
            except LeaseLost:
                call.lost()
                raise
            call.ended(outcome)
        outcome = self._braking.called(delivery, outcome, tenant=claim.task.tenant)
        if isinstance(outcome, Faulted) and outcome.cause is Cause.MISCONFIGURED:
            self._log.error(
                "the model server refuses this service: see PROMPTMILL_LLM__API_KEY and PROMPTMILL_LLM__BASE_URL",
                status_code=outcome.status_code,
            )
        elif isinstance(outcome, Faulted) and outcome.cause is Cause.UNREACHABLE:
            self._log.warning("the model server cannot be reached: see PROMPTMILL_LLM__BASE_URL or set OPENAI_API_KEY")
        return outcome

    async def _answer(self, lease: HeldLease, *, deadline_seconds: float) -> CallOutcome:
        """One call; of a task that streams, its text is told as it comes."""
        task = lease.claim.task
        question = self._questions.of(lease.claim)
        if isinstance(question, Rejected):
            return question
        ask = partial(self._model.call, question.endpoint, question.body, deadline_seconds=deadline_seconds)
        own_wish = task.body.get("stream")
        if task.stream if own_wish is None else own_wish is True:
            with self._texts.flowing(lease) as text:
                outcome = await ask(on_text=text.add)
        else:
            outcome = await ask()
        return question.outcome(outcome, now=self._chance.now(), most_bytes=self._max_answer_bytes)

    async def _bury(self, unreadable: UnreadableRecord, delivery: Delivery) -> Outcome:
        """Dead-letter a record that is no task, after failing the task that it was to be."""
        self._metrics.unreadable.inc()
        self._log.error("unreadable record", reason=unreadable.reason)
        self._braking.note(delivery, Sign.UNDECODABLE, tenant=tenant_of(unreadable, delivery))
        if self._braking.is_on:
            return _HELD_BY_BRAKE
        letter = dead_letter(
            delivery,
            topic=self._names.dead_letters,
            reason=unreadable.reason,
            error_code=ERROR_CODE,
            failed_at=self._chance.now(),
        )
        [state] = [None] if unreadable.task_id is None else await self._reader.read([unreadable.task_id])
        task = task_to_fail(unreadable, delivery, state, self._names, deadline_seconds=self._deadline_seconds)
        if task is None:
            return Settled((letter,))
        outcome = await self._claim(task, delivery, failure=unreadable_error(unreadable))
        if not isinstance(outcome, Settled):
            # A copy at the tail would not be the very record that the task is known by.
            return RetryAfter(LOOK_AGAIN_SECONDS)
        results = tuple(record for record in outcome.records if record.topic == self._names.results)
        return replace(outcome, records=(letter, *results))


def _in_log(delivery: Delivery, **fields: object) -> log_context:
    """What every event of the record's handling says."""
    return log_context(topic=delivery.topic, partition=delivery.partition, offset=delivery.offset, **fields)

"""What the llm role counts. Models and tenants are no labels: both are other people's words, without bound."""

import time
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, Gauge

from common.store.claims import Claim, Skip
from common.task import Lane, Status
from common.telemetry.metrics import Counter, Histogram, Label
from consumer.llm.outcomes import Answered, CallOutcome, Cause, Faulted, Rejected, TooLarge, Unreadable

_LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)
_LIFE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43_200, 86_400)
_TOKEN_BUCKETS = (1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576)
_ATTEMPT_BUCKETS = (0, 1, 2, 3, 4, 5, 7, 10, 15, 30, 100)
_LEASE_BUCKETS = (0, 0.5, 1, 2, 5, 10, 15, 20, 25, 30, 60, 120, 300, 600)

_REPLIES = ("claimed", "exhausted", "busy", "waiting", "ended", "missing", "lapsed", *(skip.value for skip in Skip))
_CAUSES = tuple(cause.value for cause in Cause)
_STATUS = Label("status", tuple(status.value for status in Status if status.is_final))
_DIRECTION = Label("direction", ("input", "output"))


class MeasuredCall:
    """One call under way while its context lasts: how it ended, once that is known."""

    def __init__(self, metrics: "LlmMetrics") -> None:
        self.outcome = "aborted"
        self.input_tokens = 0
        self.output_tokens = 0
        self._metrics = metrics
        self._began = 0.0

    def __enter__(self) -> Self:
        self._metrics.calling += 1
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        metrics = self._metrics
        metrics.calling -= 1
        metrics.call_seconds.observe(time.perf_counter() - self._began)
        metrics.calls.labels(self.outcome).inc()
        for direction, tokens in (("input", self.input_tokens), ("output", self.output_tokens)):
            if tokens:
                metrics.tokens.labels(direction).inc(tokens)
                metrics.call_tokens.labels(direction).observe(tokens)

    def lost(self) -> None:
        """The task was no longer this worker's."""
        self.outcome = "lost"

    def ended(self, outcome: CallOutcome) -> None:
        """The call came to this."""
        match outcome:
            case Answered():
                self.outcome = "answered"
                self.input_tokens = _tokens(outcome, "prompt_tokens", "input_tokens")
                self.output_tokens = _tokens(outcome, "completion_tokens", "output_tokens")
            case Rejected():
                self.outcome = "rejected"
            case TooLarge():
                self.outcome = "too_large"
            case Unreadable():
                self.outcome = "unreadable"
            case Faulted():
                self.outcome = outcome.cause.value


def _tokens(answer: Answered, *names: str) -> int:
    """The first of these counts that the answer has: chat completions and responses name them differently."""
    usage = answer.usage or {}
    for name in names:
        count = usage.get(name)
        if isinstance(count, int):
            return max(0, count)
    return 0


class LlmMetrics:
    """One process's figures, in the registry given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.claims = Counter(
            "promptmill_claims",
            "Answers of the store when a worker asked for a task, by answer.",
            [Label("reply", _REPLIES)],
            registry=registry,
        )
        self.calls = Counter(
            "promptmill_model_calls",
            "Calls of the model that ended, by how: answered, rejected, too_large, unreadable, the cause of a fault, "
            "lost (ended because the task was no longer this worker's) or aborted (ended by the worker's own end).",
            [Label("outcome", ("answered", "rejected", "too_large", "unreadable", *_CAUSES, "lost", "aborted"))],
            registry=registry,
        )
        self.call_seconds = Histogram(
            "promptmill_model_call_seconds",
            "Time from sending a call to its end, whatever the end.",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.calls_in_flight = Gauge(
            "promptmill_model_calls_in_flight", "Calls of the model under way now.", registry=registry
        )
        self.calling = 0
        self.calls_in_flight.set_function(lambda: self.calling)
        self.tokens = Counter(
            "promptmill_model_tokens",
            "Tokens as the model's answers count them, by direction: input or output.",
            [_DIRECTION],
            registry=registry,
        )
        self.call_tokens = Histogram(
            "promptmill_model_call_tokens",
            "Tokens of one answer as the model counts them, by direction: input or output.",
            [_DIRECTION],
            buckets=_TOKEN_BUCKETS,
            registry=registry,
        )
        self.first_text_seconds = Histogram(
            "promptmill_model_first_token_seconds",
            "Time from sending a streamed call to the first text of its answer.",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.retries = Counter(
            "promptmill_task_retries",
            "Attempts given back to be made again, by cause.",
            [Label("cause", (*_CAUSES, "aborted"))],
            registry=registry,
        )
        self.stretched_retries = Counter(
            "promptmill_retries_stretched",
            "Attempts put off for longer than they would have been, as this worker's retry budget was used up.",
            registry=registry,
        )
        self.retry_budget = Gauge(
            "promptmill_retry_budget",
            "Retries that may begin now; below 0, those that wait for one.",
            registry=registry,
        )
        self.outcomes = Counter(
            "promptmill_tasks_finished",
            "Runs whose end this worker recorded, by status.",
            [_STATUS],
            registry=registry,
        )
        self.lives = Histogram(
            "promptmill_task_seconds",
            "From a task's acceptance to the recording of its end, by lane and status.",
            [Label("lane", tuple(lane.value for lane in Lane)), _STATUS],
            buckets=_LIFE_BUCKETS,
            registry=registry,
        )
        self.attempts = Histogram(
            "promptmill_task_attempts",
            "Calls of the model that a run took to its end, by status.",
            [_STATUS],
            buckets=_ATTEMPT_BUCKETS,
            registry=registry,
        )
        self.republished = Counter(
            "promptmill_results_republished",
            "Records of runs already ended whose stored result was handed out for publishing again.",
            registry=registry,
        )
        self.forgotten = Counter(
            "promptmill_results_forgotten",
            "Null values handed out for publishing under the keys of deleted tasks.",
            registry=registry,
        )
        self.lost_claims = Counter(
            "promptmill_claims_lost",
            "Claims that turned out to be another's, or of an ended run, before their outcome was recorded.",
            registry=registry,
        )
        self.listening = Gauge(
            "promptmill_cancellations_heard",
            "Whether cancellations are heard of at once: 1, or 0 where they are when the lease is renewed.",
            registry=registry,
        )
        self.leases_held = Gauge("promptmill_leases_held", "Tasks that this worker holds now.", registry=registry)
        self.leases_left = Histogram(
            "promptmill_lease_left_seconds",
            "What was left of a lease when it was renewed; 0 where it had lapsed.",
            buckets=_LEASE_BUCKETS,
            registry=registry,
        )
        self.leases_lapsed = Counter(
            "promptmill_leases_lapsed",
            "Leases that were renewed only after they had lapsed: another worker might have taken their tasks.",
            registry=registry,
        )
        self.store_failures = Counter(
            "promptmill_store_failures",
            "Moves that Redis did not answer, by move; every one is repeated.",
            [Label("move", ("claim", "renew", "stream", "finish", "release", "look"))],
            registry=registry,
        )
        self.store_changes = Counter(
            "promptmill_store_changes",
            "Times the store was found other than before: lost (wiped, or another Redis process), incomplete (when "
            "this worker first saw it), away (for longer than leases are left unrenewed) or rebuilt.",
            [Label("change", ("lost", "incomplete", "away", "rebuilt"))],
            registry=registry,
        )
        self.written_back = Counter(
            "promptmill_store_written_back",
            "Claims and outcomes written again into a store that had changed.",
            [Label("kind", ("claim", "outcome"))],
            registry=registry,
        )
        self.kept_outcomes = Gauge(
            "promptmill_kept_outcomes", "Outcomes kept in case the store loses them.", registry=registry
        )
        self.outcomes_let_go = Counter(
            "promptmill_kept_outcomes_let_go",
            "Outcomes let go before their time because too many were kept; a rebuild has them from the results topic.",
            registry=registry,
        )
        self.unreadable = Counter(
            "promptmill_unreadable_records",
            "Times a record was found to be no task; it is dead-lettered, or held while the brake is on.",
            registry=registry,
        )
        self.brake_on = Gauge(
            "promptmill_brake_on",
            "1 while no records are started because nearly all failed by this service's own fault.",
            registry=registry,
        )
        self.brake_probes = Counter(
            "promptmill_brake_probes", "Records started while the brake was on, one at a time.", registry=registry
        )

    def measured_call(self) -> MeasuredCall:
        """Count and time one call of the model, whatever its end."""
        return MeasuredCall(self)

    def ended(self, claim: Claim, status: Status, *, finished_at: float) -> None:
        """The end of a run was recorded."""
        task, word = claim.task, status.value
        self.outcomes.labels(word).inc()
        self.lives.labels(task.lane.value, word).observe(max(0.0, finished_at - task.created_at))
        self.attempts.labels(word).observe(claim.attempts)

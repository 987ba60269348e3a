"""What the llm role counts. Models and tenants are no labels: both are other people's words, without bound."""

import time
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, Gauge

from common.telemetry.metrics import Counter, Histogram
from consumer.llm.outcomes import Answered, CallOutcome, Faulted, Rejected, TooLarge, Unreadable

_LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)


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
        metrics.tokens.labels("input").inc(self.input_tokens)
        metrics.tokens.labels("output").inc(self.output_tokens)

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
            ["reply"],
            registry=registry,
        )
        self.calls = Counter(
            "promptmill_model_calls",
            "Calls of the model that ended, by how: answered, rejected, too_large, unreadable, the cause of a fault, "
            "lost (ended because the task was no longer this worker's) or aborted (ended by the worker's own end).",
            ["outcome"],
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
            ["direction"],
            registry=registry,
        )
        self.retries = Counter(
            "promptmill_task_retries", "Attempts given back to be made again, by cause.", ["cause"], registry=registry
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
            ["status"],
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
        self.store_failures = Counter(
            "promptmill_store_failures",
            "Moves that Redis did not answer, by move; every one is repeated.",
            ["move"],
            registry=registry,
        )
        self.store_changes = Counter(
            "promptmill_store_changes",
            "Times the store was found other than before: lost (wiped, or another Redis process), incomplete (when "
            "this worker first saw it), away (for longer than leases are left unrenewed) or rebuilt.",
            ["change"],
            registry=registry,
        )
        self.written_back = Counter(
            "promptmill_store_written_back",
            "Claims and outcomes written again into a store that had changed.",
            ["kind"],
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

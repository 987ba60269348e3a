"""The spans of a worker: an attempt at a task, and in it the claim, the call of the model and the end.

A record that leads to no attempt, for it is another worker's or its task has ended, has no span: it is looked at again
and again. What is at hand is known by the coroutine that runs, as it is for log events.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from common.store.claims import Claim
from common.task import EMBEDDINGS
from common.telemetry.tracing import TRACEPARENT, Attribute, Kind, Span, Tracer, traceparent_in
from consumer.engine.ports import Delivery
from consumer.llm.decision import Conclude, Decision, TryAgain
from consumer.llm.outcomes import Answered, CallOutcome, Faulted, Model, OnText, Rejected

_CURRENT: ContextVar[Span | None] = ContextVar("current_span", default=None)

_OPERATIONS = {EMBEDDINGS: "embeddings", "/v1/completions": "text_completion"}
_PORTS = {"https": 443, "http": 80}
# A model's name is somebody's word: what looks like none is not told.
_MODEL_NAME = re.compile(r"[\w.:/@+-]{1,200}")
_OTHER = "_OTHER"
_FINISH_REASONS = frozenset(
    {"stop", "length", "tool_calls", "content_filter", "function_call", "completed", "incomplete", "max_output_tokens"}
)
# To tell why a longer one ended is not worth reading it once more.
_MOST_READ_BYTES = 256 * 1024
_NANOSECONDS = 1_000_000_000


class Attempts(Protocol):
    """Told of each attempt at a task, by whoever makes it."""

    def attempt(self, claim: Claim, delivery: Delivery, *, asked_for_seconds: float) -> AbstractContextManager[object]:
        """An attempt lasts as long as the context; the claim was asked for so long ago."""

    def ending(self, decision: Decision) -> AbstractContextManager[object]:
        """What the attempt came to is being recorded."""

    def lost(self) -> None:
        """The task was no longer this worker's."""


class UntracedAttempts:
    """For a worker that exports no traces."""

    def __init__(self) -> None:
        self._nothing = nullcontext()

    def attempt(self, claim: Claim, delivery: Delivery, *, asked_for_seconds: float) -> AbstractContextManager[object]:  # noqa: ARG002 - as `Attempts` has it
        """Nothing is done."""
        return self._nothing

    def ending(self, decision: Decision) -> AbstractContextManager[object]:  # noqa: ARG002 - as `Attempts` has it
        """Nothing is done."""
        return self._nothing

    def lost(self) -> None:
        """Nothing is done."""


class TracedAttempts:
    """For one that does; `group` is the consumer group and `worker` this member of it."""

    def __init__(self, tracer: Tracer, *, group: str, worker: str) -> None:
        self._tracer = tracer
        self._group = group
        self._worker = worker

    @contextmanager
    def attempt(self, claim: Claim, delivery: Delivery, *, asked_for_seconds: float) -> Iterator[None]:
        """A span in the trace of the record, and in it one of the claim, which has ended."""
        began_ns = time.time_ns() - round(asked_for_seconds * _NANOSECONDS)
        attributes: dict[str, Attribute] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": delivery.topic,
            "messaging.destination.partition.id": str(delivery.partition),
            "messaging.kafka.offset": delivery.offset,
            "messaging.kafka.message.key": claim.task.task_id,
            "messaging.consumer.group.name": self._group,
            "messaging.client.id": self._worker,
            "promptmill.task.id": claim.task.task_id,
            "promptmill.task.run": claim.task.run,
            "promptmill.task.attempt": claim.attempts,
        }
        span = self._tracer.start(
            f"process {delivery.topic}",
            Kind.CONSUMER,
            parent=traceparent_in(delivery.headers),
            began_ns=began_ns,
            attributes=attributes,
        )
        self._tracer.start("claim", Kind.INTERNAL, parent=span.traceparent, began_ns=began_ns).end()
        with _ended_with(span):
            yield

    @contextmanager
    def ending(self, decision: Decision) -> Iterator[None]:
        """A span of the recording; the attempt's own says what came of it."""
        attempt = _CURRENT.get()
        if attempt is None:
            yield
            return
        match decision:
            case Conclude(status=status):
                attempt.add({"promptmill.outcome": status.value})
            case TryAgain(cause=cause, delay_seconds=delay):
                attempt.add({"promptmill.outcome": "retry", "promptmill.retry.delay_seconds": round(delay, 3)})
                attempt.fail(cause)
        name = "finish" if isinstance(decision, Conclude) else "give back"
        with _ended_with(self._tracer.start(name, Kind.INTERNAL, parent=attempt.traceparent)):
            yield

    def lost(self) -> None:
        """Cancelled, or taken over by another worker."""
        attempt = _CURRENT.get()
        if attempt is not None:
            attempt.add({"promptmill.outcome": "lost"})


class TracedModel:
    """A model whose calls are spans of their own, as OpenTelemetry's conventions for generative AI have them.

    Neither what is asked nor what is answered is told.
    """

    def __init__(
        self,
        model: Model,
        tracer: Tracer,
        *,
        base_url: str,
        default_model: str,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._model = model
        self._tracer = tracer
        self._default_model = default_model
        self._clock = clock
        address = urlsplit(base_url)
        self._server: dict[str, Attribute] = {
            "gen_ai.provider.name": "openai",
            "server.address": address.hostname or "",
            "server.port": address.port or _PORTS[address.scheme],
        }

    async def call(
        self, endpoint: str, body: dict[str, Any], *, deadline_seconds: float, on_text: OnText | None = None
    ) -> CallOutcome:
        """As the model does."""
        operation = _OPERATIONS.get(endpoint, "chat")
        name = _model_name(body.get("model") or self._default_model)
        attempt = _CURRENT.get()
        span = self._tracer.start(
            f"{operation} {name}",
            Kind.CLIENT,
            parent=None if attempt is None else attempt.traceparent,
            attributes={
                **self._server,
                "gen_ai.operation.name": operation,
                "gen_ai.request.model": name,
                "gen_ai.request.stream": on_text is not None,
            },
        )
        with _ended_with(span):
            heard = on_text if on_text is None or not span.is_recorded else self._timed(on_text, span)
            outcome = await self._model.call(endpoint, body, deadline_seconds=deadline_seconds, on_text=heard)
            if span.is_recorded:
                _tell(span, outcome)
            return outcome

    def _timed(self, on_text: OnText, span: Span) -> OnText:
        began, is_first = self._clock(), True

        def timed(text: str, tokens: int) -> None:
            nonlocal is_first
            if is_first:
                is_first = False
                span.add({"gen_ai.response.time_to_first_chunk": self._clock() - began})
            on_text(text, tokens)

        return timed


def carried_headers() -> Mapping[str, str] | None:
    """The headers by which what is called now goes on with the trace at hand."""
    span = _CURRENT.get()
    return None if span is None else {TRACEPARENT: span.traceparent}


@contextmanager
def _ended_with(span: Span) -> Iterator[None]:
    """The span is at hand while the body runs, and ends with it."""
    token = _CURRENT.set(span)
    try:
        yield
    except BaseException as error:
        span.fail(type(error).__qualname__)
        raise
    finally:
        _CURRENT.reset(token)
        span.end()


def _tell(span: Span, outcome: CallOutcome) -> None:
    match outcome:
        case Answered():
            span.add({"http.response.status_code": outcome.status_code, **_of_answer(outcome)})
        case Faulted(cause=cause, status_code=status):
            span.fail(cause.value)
            _add_status(span, status)
        case Rejected(status_code=status):
            span.fail("rejected")
            _add_status(span, status)
        case other:
            span.fail(type(other).__name__.lower())


def _add_status(span: Span, status: int | None) -> None:
    if status is not None:
        span.add({"http.response.status_code": status})


def _of_answer(answer: Answered) -> dict[str, Attribute]:
    usage, told = answer.usage or {}, dict[str, Attribute]()
    for attribute, names in (
        ("gen_ai.usage.input_tokens", ("prompt_tokens", "input_tokens")),
        ("gen_ai.usage.output_tokens", ("completion_tokens", "output_tokens")),
    ):
        count = next((usage[name] for name in names if isinstance(usage.get(name), int)), None)
        if count is not None:
            told[attribute] = count
    if answer.model is not None:
        told["gen_ai.response.model"] = _model_name(answer.model)
    reasons = _finish_reasons(answer.body)
    if reasons:
        told["gen_ai.response.finish_reasons"] = reasons
    return told


def _finish_reasons(body: bytes) -> list[str]:
    """Why the model ended each choice, or the Response: words of a fixed set."""
    if len(body) > _MOST_READ_BYTES:
        return []
    content = orjson.loads(body)
    choices = content.get("choices")
    if isinstance(choices, list):
        named = [choice.get("finish_reason") for choice in choices if isinstance(choice, dict)]
    else:
        named = [content.get("status")]
    return [reason if reason in _FINISH_REASONS else _OTHER for reason in named if isinstance(reason, str)]


def _model_name(name: object) -> str:
    return name if isinstance(name, str) and _MODEL_NAME.fullmatch(name) else _OTHER

"""The spans of an API: one for a request that changes something, and one for each prompt that it sends to Kafka.

A request of one prompt and that prompt are one trace, and so are all prompts of a client that sent a `traceparent`. Of
a request of many prompts without one each begins a trace of its own, which names the request's as related: what becomes
of one prompt of a thousand can be looked at by itself.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from common.task import Lane
from common.telemetry.tracing import TRACEPARENT, Kind, Span, Tracer, valid_traceparent
from producer_api.outgoing import Place, Written

# What only reads, and is asked for again and again, is not worth a trace.
_TRACED = frozenset({"POST", "DELETE"})
_SCOPE_KEY = "promptmill.trace"
_FIRST_ERROR = 500


class Sending:
    """Prompts of one request on their way into Kafka, in their order."""

    __slots__ = ("_spans",)

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans

    @property
    def traceparents(self) -> list[str]:
        """What goes on with each prompt."""
        return [span.traceparent for span in self._spans]

    def ended(self, task_ids: Sequence[str], written: Sequence[Written]) -> None:
        """This became of them. Of prompts that were never handed to Kafka nothing is said, and nothing exported."""
        for span, task_id, outcome in zip(self._spans, task_ids, written, strict=True):
            if span.is_recorded:
                # The record's key is the task's id.
                span.add({"promptmill.task.id": task_id, "messaging.kafka.message.key": task_id})
                if isinstance(outcome, Place):
                    place = str(outcome.partition)
                    span.add({"messaging.destination.partition.id": place, "messaging.kafka.offset": outcome.offset})
                else:
                    span.fail("too_large" if outcome.too_large else "not_acknowledged")
                span.end()


@dataclass(frozen=True, slots=True)
class RequestTrace:
    """The span of one request; `is_given` says that its trace was begun by the client."""

    span: Span
    method: str
    is_given: bool
    tracer: Tracer
    topics: Mapping[Lane, str]

    def sending(self, prompts: int, lane: Lane) -> Sending:
        """Begin a span for each of so many prompts that are about to be written."""
        topic, own = self.topics[lane], self.span.traceparent
        parent, link = (own, None) if self.is_given or prompts == 1 else (None, own)
        attributes = {
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.operation.name": "send",
            "messaging.destination.name": topic,
        }
        start, name = self.tracer.start, f"send {topic}"
        return Sending(
            [start(name, Kind.PRODUCER, parent=parent, link=link, attributes=attributes) for _ in range(prompts)]
        )

    def ended(self, route: str, status: int) -> None:
        """The request was answered, with this status; 0 where nothing was said before it broke off."""
        self.span.name(f"{self.method} {route}")
        self.span.add({"http.route": route, "http.response.status_code": status})
        if not status or status >= _FIRST_ERROR:
            self.span.fail(str(status))
        self.span.end()


@dataclass(frozen=True, slots=True)
class RequestTraces:
    """Begins them; `topics` are those of the lanes."""

    tracer: Tracer
    topics: Mapping[Lane, str]

    def begin(self, scope: MutableMapping[str, Any], request_id: str) -> RequestTrace | None:
        """The trace of a request that is traced; the request's handler finds it by `trace_of`."""
        method = scope["method"]
        if method not in _TRACED:
            return None
        parent = _given(scope["headers"])
        # The path is the client's word; the route is told when it is known.
        attributes = {"http.request.method": method, "promptmill.request.id": request_id}
        span = self.tracer.start(method, Kind.SERVER, parent=parent, attributes=attributes)
        trace = RequestTrace(span, method, parent is not None, self.tracer, self.topics)
        scope[_SCOPE_KEY] = trace
        return trace


def trace_of(request: Request) -> RequestTrace | None:
    """The trace of a request; None where this process exports none, or not of requests of this kind."""
    trace: RequestTrace | None = request.scope.get(_SCOPE_KEY)
    return trace


def given_traceparent(request: Request) -> str | None:
    """The client's `traceparent`, as it came; None where it sent none, or no valid one."""
    return valid_traceparent(request.headers.get(TRACEPARENT))


def _given(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    name = TRACEPARENT.encode()
    return next((valid_traceparent(value.decode("latin-1")) for key, value in headers if key == name), None)

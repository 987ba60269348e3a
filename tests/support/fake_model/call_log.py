from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from tests.support.fake_model.connection import Request

_LOGGED_HEADERS = (
    "authorization",
    "content-type",
    "idempotency-key",
    "openai-organization",
    "openai-project",
    "traceparent",
    "user-agent",
    "x-stainless-retry-count",
)


class Outcome(StrEnum):
    """How a call ended, seen from the server."""

    IN_FLIGHT = "in-flight"
    ANSWERED = "answered"
    """A whole answer went out, whatever its status."""
    CLIENT_DISCONNECTED = "client-disconnected"
    """The client closed the connection before its answer was whole."""
    BROKEN_OFF = "broken-off"
    """The server cut or reset the connection, as it was told to."""


@dataclass(slots=True)
class LoggedCall:
    """One call as the server has it."""

    sequence: int
    request: Request
    prompt: str
    body: Any
    started_at: float
    finished_at: float | None = None
    outcome: Outcome = Outcome.IN_FLIGHT
    status: int | None = None
    failed_on_purpose: bool = False
    """The script had it fail: no good answer was to come of it."""

    def as_json(self) -> dict[str, Any]:
        """Return the call as ``GET /_calls`` shows it; times are Unix seconds."""
        return {
            "sequence": self.sequence,
            "method": self.request.method,
            "path": self.request.path,
            "prompt": self.prompt,
            "body": self.body,
            "headers": {name: self.request.headers[name] for name in _LOGGED_HEADERS if name in self.request.headers},
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "outcome": self.outcome,
            "status": self.status,
            "failed_on_purpose": self.failed_on_purpose,
        }


class CallLog:
    """Every call to the model, the newest ``limit`` of them whole, all of them in the counts."""

    def __init__(self, *, limit: int, now: Callable[[], float]) -> None:
        self._now = now
        self._limit = limit
        self._sequence = 0
        self.clear()

    def clear(self) -> None:
        """Forget finished calls and counts. Calls in flight stay in flight and are counted as calls."""
        in_flight = [call for call in getattr(self, "_calls", ()) if call.outcome is Outcome.IN_FLIGHT]
        self._calls: deque[LoggedCall] = deque(in_flight, maxlen=self._limit)
        self._outcomes: Counter[Outcome] = Counter({Outcome.IN_FLIGHT: len(in_flight)})
        self._statuses: Counter[int] = Counter()
        self._by_prompt: Counter[str] = Counter(call.prompt for call in in_flight)
        self._max_in_flight = len(in_flight)

    def begin(self, request: Request, prompt: str, body: Any) -> LoggedCall:
        """Log a call that has arrived."""
        self._sequence += 1
        call = LoggedCall(self._sequence, request, prompt, body, started_at=self._now())
        self._calls.append(call)
        self._by_prompt[prompt] += 1
        self._outcomes[Outcome.IN_FLIGHT] += 1
        self._max_in_flight = max(self._max_in_flight, self._outcomes[Outcome.IN_FLIGHT])
        return call

    def end(self, call: LoggedCall, outcome: Outcome, status: int | None) -> None:
        """Log how a call ended; ``status`` is None if no status line went out."""
        call.finished_at = self._now()
        call.outcome = outcome
        call.status = status
        self._outcomes[Outcome.IN_FLIGHT] -= 1
        self._outcomes[outcome] += 1
        if status is not None:
            self._statuses[status] += 1

    def calls_of_prompt(self, prompt: str) -> int:
        """Return how many calls had this prompt so far."""
        return self._by_prompt[prompt]

    def calls_by_prompt(self) -> dict[str, int]:
        """Return the number of calls of every prompt."""
        return dict(self._by_prompt)

    def calls(self, *, prompt: str | None, after: int) -> Iterator[LoggedCall]:
        """Yield the calls with a sequence number over ``after``, of one prompt if given, in order of arrival."""
        return (call for call in self._calls if call.sequence > after and prompt in (None, call.prompt))

    def stats(self) -> dict[str, Any]:
        """Return the counts since the last clear."""
        return {
            "calls": sum(self._by_prompt.values()),
            "in_flight": self._outcomes[Outcome.IN_FLIGHT],
            "max_in_flight": self._max_in_flight,
            "distinct_prompts": len(self._by_prompt),
            "most_calls_of_one_prompt": max(self._by_prompt.values(), default=0),
            "answered": self._outcomes[Outcome.ANSWERED],
            "client_disconnected": self._outcomes[Outcome.CLIENT_DISCONNECTED],
            "broken_off": self._outcomes[Outcome.BROKEN_OFF],
            "statuses": {str(status): count for status, count in sorted(self._statuses.items())},
        }


def calls_as_json(calls: Iterator[LoggedCall]) -> bytes:
    """Return the calls as one JSON list."""
    return orjson.dumps([call.as_json() for call in calls])

"""How one call of the model can end: a closed set."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from common.result import ApiError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A whole answer; `body` is its JSON in its own bytes, `usage` the part of it that says what it cost."""

    body: bytes
    status_code: int
    model: str | None = None
    usage: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The model will never take this request; `body` is its JSON answer, None where it gave none."""

    error: ApiError
    status_code: int | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class TooLarge:
    """An answer over the limit: it was not read to its end."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A whole answer that cannot be read, and so not be kept either; it was paid for."""

    error: ApiError
    status_code: int


class Cause(StrEnum):
    """Why an attempt failed that another may repeat."""

    MODEL_ERROR = "model_error"
    MALFORMED = "malformed"
    BROKEN_OFF = "broken_off"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    OUT_OF_QUOTA = "out_of_quota"
    MISCONFIGURED = "misconfigured"
    FORBIDDEN = "forbidden"
    UNREACHABLE = "unreachable"

    @property
    def is_failure(self) -> bool:
        """Whether it counts against the task: the model had the request and failed it."""
        return self in {Cause.MODEL_ERROR, Cause.MALFORMED, Cause.BROKEN_OFF, Cause.TIMEOUT, Cause.FORBIDDEN}

    @property
    def is_ours(self) -> bool:
        """Whether only the operator can mend it, if anybody: asking often does not help."""
        return self in {Cause.OUT_OF_QUOTA, Cause.MISCONFIGURED, Cause.FORBIDDEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulted:
    """This attempt failed; another may succeed. `retry_after_seconds` is what the model asked for, if it did."""

    cause: Cause
    error: ApiError
    status_code: int | None = None
    body: bytes | None = None
    retry_after_seconds: float | None = None


CallOutcome = Answered | Rejected | TooLarge | Unreadable | Faulted


# Takes more of an answer's text, and how many tokens came so far.
OnText = Callable[[str, int], None]


class Model(Protocol):
    """Whatever answers a request."""

    async def call(
        self, endpoint: str, body: dict[str, Any], *, deadline_seconds: float, on_text: OnText | None = None
    ) -> CallOutcome:
        """Send `body` to `endpoint` ("/v1/…") once; a cancelled call is ended at the model too.

        With `on_text` the answer is streamed, where the endpoint can, and its text is told as it comes.
        """

"""What follows from how a call ended: the run is over, or the task waits for its next attempt. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from common.result import EXPIRED, ApiError
from common.store.claims import Claim
from common.task import Progress, Status
from consumer.llm.outcomes import Answered, CallOutcome, Faulted, Rejected, TooLarge, Unreadable
from consumer.llm.retry_policy import RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclude:
    """The run ends so; `failures` is the task's count of failed attempts, `called` whether the model was asked."""

    status: Status
    failures: int
    called: bool = True
    error: ApiError | None = None
    status_code: int | None = None
    body: bytes | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None

    @property
    def progress(self) -> int:
        """What the task shows at its end, in percent."""
        if self.status is Status.COMPLETED:
            return Progress.STORED
        return Progress.CALLED if self.called else Progress.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """Another attempt after the delay, or the task's expiry if that comes first."""

    delay_seconds: float
    failures: int
    cause: str = "aborted"


Decision = Conclude | TryAgain

WORKER_LOST = ApiError(
    message="Too many workers ended while they had this task in hand; it will not be tried again.",
    type="server_error",
    code="worker_lost",
)


def given_up(error_code: str) -> ApiError:
    """What ends a task that an error of our own, named `error_code`, keeps from being handled."""
    message = f"This service failed on the task again and again ({error_code}); it will not be tried again by itself."
    return ApiError(message=message, type="server_error", code="handler_error")


def decide(outcome: CallOutcome, claim: Claim, policy: RetryPolicy, *, seconds_left: float, jitter: float) -> Decision:
    """What follows from `outcome`; `seconds_left` is the time until the task's expiry, `jitter` is even in [0, 1)."""
    match outcome:
        case Answered():
            return Conclude(
                status=Status.COMPLETED,
                failures=claim.failures,
                status_code=outcome.status_code,
                body=outcome.body,
                model=outcome.model,
                usage=outcome.usage,
            )
        case Rejected():
            return Conclude(
                status=Status.FAILED,
                failures=claim.failures + 1,
                error=outcome.error,
                status_code=outcome.status_code,
                body=outcome.body,
            )
        case TooLarge():
            return Conclude(status=Status.FAILED, failures=claim.failures + 1, error=outcome.error)
        case Unreadable():
            return Conclude(
                status=Status.FAILED,
                failures=claim.failures + 1,
                error=outcome.error,
                status_code=outcome.status_code,
            )
        case Faulted():
            return _after_fault(outcome, claim, policy, seconds_left, jitter)


def stretched(again: TryAgain, least_seconds: float, *, seconds_left: float) -> TryAgain:
    """The same, but not before `least_seconds` have passed, unless the task expires earlier."""
    return replace(again, delay_seconds=min(max(again.delay_seconds, least_seconds), max(0.0, seconds_left)))


def expired(failures: int, *, called: bool = True) -> Conclude:
    """The task's time is over."""
    return Conclude(status=Status.EXPIRED, failures=failures, called=called, error=EXPIRED)


def failed(error: ApiError, failures: int) -> Conclude:
    """The run ends without a call of the model."""
    return Conclude(status=Status.FAILED, failures=failures, called=False, error=error)


def _after_fault(faulted: Faulted, claim: Claim, policy: RetryPolicy, seconds_left: float, jitter: float) -> Decision:
    failures = claim.failures + (1 if faulted.cause.is_failure else 0)
    if seconds_left <= 0:
        return expired(failures)
    if failures >= policy.max_attempts:
        return Conclude(
            status=Status.FAILED,
            failures=failures,
            error=_used_up(faulted.error, failures),
            status_code=faulted.status_code,
            body=faulted.body,
        )
    delay = policy.delay_seconds(faulted, attempt=claim.attempts, jitter=jitter)
    return TryAgain(delay_seconds=min(delay, seconds_left), failures=failures, cause=faulted.cause)


def _used_up(last: ApiError, failures: int) -> ApiError:
    message = f"{last.message} All {failures} attempts failed; submit the task again later."
    return ApiError(message=message, type=last.type, code=last.code, param=last.param)

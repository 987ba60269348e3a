from hypothesis import given, strategies as st

from common.result import ApiError
from consumer.llm.outcomes import Cause, Faulted
from consumer.llm.retry_policy import MAX_RETRY_AFTER_SECONDS, RetryPolicy

POLICY = RetryPolicy(base_seconds=1, cap_seconds=60, max_attempts=5)

jitters = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 10_000)
own_pace = st.sampled_from([cause for cause in Cause if not cause.is_ours])


def fault(cause: Cause, retry_after: float | None = None) -> Faulted:
    return Faulted(cause=cause, error=ApiError(message="", type="server_error"), retry_after_seconds=retry_after)


@given(own_pace, attempts, jitters)
def test_the_delay_is_within_its_doubling_ceiling_and_the_cap(cause: Cause, attempt: int, jitter: float) -> None:
    delay = POLICY.delay_seconds(fault(cause), attempt=attempt, jitter=jitter)
    assert 0 <= delay <= min(60, 2.0 ** min(attempt - 1, 10))


@given(own_pace, attempts, jitters)
def test_the_jitter_is_full(cause: Cause, attempt: int, jitter: float) -> None:
    assert POLICY.delay_seconds(fault(cause), attempt=attempt, jitter=0) == 0
    whole = POLICY.delay_seconds(fault(cause), attempt=attempt, jitter=1)
    assert POLICY.delay_seconds(fault(cause), attempt=attempt, jitter=jitter) == whole * jitter


@given(own_pace, attempts, jitters)
def test_a_later_attempt_never_waits_less(cause: Cause, attempt: int, jitter: float) -> None:
    earlier = POLICY.delay_seconds(fault(cause), attempt=attempt, jitter=jitter)
    assert POLICY.delay_seconds(fault(cause), attempt=attempt + 1, jitter=jitter) >= earlier


@given(st.sampled_from(Cause), attempts, jitters, st.floats(0, MAX_RETRY_AFTER_SECONDS))
def test_what_the_model_asked_for_is_kept_to_and_spread(
    cause: Cause, attempt: int, jitter: float, asked: float
) -> None:
    delay = POLICY.delay_seconds(fault(cause, asked), attempt=attempt, jitter=jitter)
    assert asked <= delay <= asked + 60


@given(st.floats(MAX_RETRY_AFTER_SECONDS, 1e300), jitters)
def test_a_request_to_stay_away_for_ever_is_bounded(asked: float, jitter: float) -> None:
    delay = POLICY.delay_seconds(fault(Cause.RATE_LIMITED, asked), attempt=1, jitter=jitter)
    assert delay <= MAX_RETRY_AFTER_SECONDS + 60


@given(st.sampled_from([cause for cause in Cause if cause.is_ours]), attempts, jitters)
def test_what_only_the_operator_can_mend_is_asked_about_slowly(cause: Cause, attempt: int, jitter: float) -> None:
    assert 30 <= POLICY.delay_seconds(fault(cause), attempt=attempt, jitter=jitter) <= 60

import pytest
from hypothesis import given, strategies as st

from common.result import ApiError
from common.store.claims import Claim
from common.task import Status
from consumer.llm.decision import Conclude, TryAgain, decide
from consumer.llm.outcomes import Answered, CallOutcome, Cause, Faulted, Rejected, TooLarge, Unreadable
from consumer.llm.retry_policy import RetryPolicy
from tests.consumer.llm.harness import a_task

POLICY = RetryPolicy(base_seconds=1, cap_seconds=60, max_attempts=5)
ERROR = ApiError(message="It broke.", type="server_error", code="broken")
TASK = a_task()


def a_claim(*, attempts: int = 1, failures: int = 0) -> Claim:
    return Claim(
        task=TASK,
        token="t",
        partition=0,
        offset=0,
        attempts=attempts,
        failures=failures,
        crashes=0,
        started_at=0,
        expires_in_seconds=100,
    )


ENDS: list[tuple[CallOutcome, Status]] = [
    (Answered(body=b"{}", status_code=200), Status.COMPLETED),
    (Rejected(error=ERROR, status_code=400), Status.FAILED),
    (TooLarge(ERROR), Status.FAILED),
    (Unreadable(ERROR, 200), Status.FAILED),
]


@pytest.mark.parametrize(("outcome", "status"), ENDS)
@pytest.mark.parametrize("seconds_left", [50, -1])
def test_an_answer_or_a_rejection_ends_the_run(outcome: CallOutcome, status: Status, seconds_left: float) -> None:
    decision = decide(outcome, a_claim(), POLICY, seconds_left=seconds_left, jitter=0.5)
    assert isinstance(decision, Conclude)
    assert decision.status is status
    assert decision.failures == (0 if status is Status.COMPLETED else 1)


@pytest.mark.parametrize("cause", Cause)
def test_only_the_models_own_failures_use_attempts_up(cause: Cause) -> None:
    decision = decide(Faulted(cause=cause, error=ERROR), a_claim(failures=4), POLICY, seconds_left=50, jitter=0.5)
    if cause in {Cause.RATE_LIMITED, Cause.OUT_OF_QUOTA, Cause.MISCONFIGURED, Cause.UNREACHABLE}:
        assert isinstance(decision, TryAgain)
        assert decision.failures == 4
    else:
        assert isinstance(decision, Conclude)
        assert (decision.status, decision.failures) == (Status.FAILED, 5)
        assert decision.error is not None
        assert decision.error.code == "broken"


@given(
    cause=st.sampled_from(Cause),
    claim=st.builds(a_claim, attempts=st.integers(1, 1000), failures=st.integers(0, 4)),
    seconds_left=st.floats(0.001, 1e6),
    jitter=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.floats(0, 1e9),
)
def test_the_next_attempt_is_never_after_the_tasks_end(
    cause: Cause, claim: Claim, seconds_left: float, jitter: float, asked: float | None
) -> None:
    outcome = Faulted(cause=cause, error=ERROR, retry_after_seconds=asked)
    decision = decide(outcome, claim, POLICY, seconds_left=seconds_left, jitter=jitter)
    match decision:
        case TryAgain():
            assert 0 <= decision.delay_seconds <= seconds_left
            assert decision.failures < POLICY.max_attempts
        case Conclude():
            assert decision.status is Status.FAILED
            assert decision.failures == POLICY.max_attempts


@given(st.sampled_from(Cause), st.floats(-1e6, 0))
def test_a_fault_after_the_tasks_end_expires_it(cause: Cause, seconds_left: float) -> None:
    decision = decide(
        Faulted(cause=cause, error=ERROR), a_claim(failures=4), POLICY, seconds_left=seconds_left, jitter=0.5
    )
    assert isinstance(decision, Conclude)
    assert decision.status is Status.EXPIRED

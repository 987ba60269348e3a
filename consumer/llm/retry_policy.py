"""When a failed attempt is made again. Pure arithmetic: the jitter comes as an argument."""

from dataclasses import dataclass

from consumer.llm.outcomes import Faulted

# However long the model asks us to stay away: limits are raised and models repaired before a day is over.
MAX_RETRY_AFTER_SECONDS = 3600.0
_SPREAD = 0.1
_MAX_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter between 0 and `base_seconds` x 2^(attempt - 1), at most `cap_seconds`.

    Attempts in which the model failed end the task at `max_attempts`.
    """

    base_seconds: float
    cap_seconds: float
    max_attempts: int

    def delay_seconds(self, faulted: Faulted, *, attempt: int, jitter: float) -> float:
        """How long to wait after attempt `attempt` (from 1); `jitter` is even in [0, 1).

        What the model asked for is kept to, spread a little so that not all come back at once. What only the operator
        can mend is asked about at the slowest pace.
        """
        if faulted.retry_after_seconds is not None:
            asked = min(faulted.retry_after_seconds, MAX_RETRY_AFTER_SECONDS)
            return asked + jitter * min(self.cap_seconds, max(self.base_seconds, asked * _SPREAD))
        if faulted.cause.is_ours:
            return self.cap_seconds * (1 + jitter) / 2
        ceiling = min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS))
        return ceiling * jitter

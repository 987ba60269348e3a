"""How many retries a process may begin, so that a model in trouble is not called all the oftener. Pure arithmetic."""

# Of the floor's rate: what a burst may take at once.
_BURST_SECONDS = 10.0


class RetryBudget:
    """A token bucket: it fills with time and with answers, a retry takes one token.

    Up to any moment the retries let through are at most `floor_per_second` for each second, `ratio` for each answer,
    and a burst of ten seconds' worth. One that finds the bucket empty is not dropped: it reserves the next token and
    waits for it. Where that would be longer than `cap_seconds` it takes none, and waits one to two times so long: of
    however many tasks, none comes oftener. Times are of one monotonic clock, in seconds.
    """

    def __init__(self, *, ratio: float, floor_per_second: float, cap_seconds: float, now: float) -> None:
        self._ratio = ratio
        self._floor = floor_per_second
        self._cap_seconds = cap_seconds
        self._most = max(1.0, floor_per_second * _BURST_SECONDS)
        self._tokens = self._most
        self._filled_at = now

    @property
    def tokens(self) -> float:
        """What is left; below 0, what is reserved."""
        return self._tokens

    def answered(self) -> None:
        """The model did as it was asked."""
        self._tokens = min(self._most, self._tokens + self._ratio)

    def least_delay_seconds(self, *, now: float, jitter: float) -> float:
        """Take a retry's token: how long it is to wait at least; `jitter` is even in [0, 1)."""
        self._fill(now)
        wait = max(0.0, (1.0 - self._tokens) / self._floor)
        if wait > self._cap_seconds:
            return self._cap_seconds * (1.0 + jitter)
        self._tokens -= 1.0
        return wait

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._filled_at)
        self._filled_at = max(self._filled_at, now)
        self._tokens = min(self._most, self._tokens + passed * self._floor)

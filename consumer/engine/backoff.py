"""How long to wait before trying again: exponential, capped, with full jitter."""

import random
from dataclasses import dataclass

# Past this many doublings every cap is reached, and floats have not overflowed.
_MAX_DOUBLINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """After failure n the ceiling is `first_seconds` · 2^(n-1), at most `cap_seconds`."""

    first_seconds: float
    cap_seconds: float

    def ceiling_seconds(self, failures: int) -> float:
        """The longest wait after `failures` (1 or more) failures in a row."""
        doublings = min(failures - 1, _MAX_DOUBLINGS)
        return min(self.cap_seconds, self.first_seconds * 2.0**doublings)

    def delay_seconds(self, failures: int, rng: random.Random) -> float:
        """A wait somewhere up to the ceiling, so that many that failed together do not come back together."""
        return rng.uniform(0.0, self.ceiling_seconds(failures))

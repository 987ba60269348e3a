from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """Time and randomness: Unix seconds, a monotonic clock, even numbers in [0, 1), tokens that nobody can guess."""

    now: Callable[[], float]
    clock: Callable[[], float]
    jitter: Callable[[], float]
    new_token: Callable[[], str]

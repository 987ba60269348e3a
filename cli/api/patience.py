"""How long and how often to try again; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

_FIRST_DELAY_SECONDS = 0.25
_LONGEST_DELAY_SECONDS = 5.0
_LONGEST_RETRY_AFTER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """For how long an API that does not answer is tried again.

    `first_seconds` holds until it has answered once: an address that was never right should be said soon.
    """

    first_seconds: float = 10.0
    outage_seconds: float = 120.0

    def lasts(self, *, has_answered: bool) -> float:
        """Seconds from the first failure in a row to giving up."""
        return self.outage_seconds if has_answered else self.first_seconds


def delay_seconds(failures: int, retry_after: float | None, chance: float) -> float:
    """The pause after so many failures in a row, 1 or more; `chance`, 0 to 1, spreads many clients apart."""
    if retry_after is not None:
        return min(retry_after, _LONGEST_RETRY_AFTER_SECONDS) + 0.25 * chance
    longest: float = min(_FIRST_DELAY_SECONDS * 2 ** min(failures - 1, 16), _LONGEST_DELAY_SECONDS)
    return longest * (0.5 + 0.5 * chance)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The server's wish in seconds; None where it has none, or says a date, which our API does not."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None

from dataclasses import dataclass

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0
_HEALTHY_SECONDS = 60.0


@dataclass(slots=True)
class Backoff:
    """How long to wait before a child that ended is started again: doubling, until it stays up for a minute."""

    _next_seconds: float = _FIRST_SECONDS

    def after(self, uptime_seconds: float) -> float:
        """Return the seconds to wait, given how long the child was up this time."""
        if uptime_seconds >= _HEALTHY_SECONDS:
            self._next_seconds = _FIRST_SECONDS
        seconds = self._next_seconds
        self._next_seconds = min(2 * seconds, _LONGEST_SECONDS)
        return seconds

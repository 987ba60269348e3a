"""When the store is asked how followed tasks stand, whatever was told of them. Pure."""

from collections.abc import Iterable

# Moves are told at most once: so long after the last look the store is looked at all the same.
_LOOK_ANYWAY_SECONDS = 20.0
# Redis's clock says when a task has expired, and may be behind ours.
_LOOK_AGAIN_SECONDS = 0.25


def look_in_seconds(expiries: Iterable[float], *, now: float) -> float:
    """After how long, given when each task expires (Unix seconds): nobody tells that a task's time is over."""
    return min(_LOOK_ANYWAY_SECONDS, max(_LOOK_AGAIN_SECONDS, min(expiries, default=now + _LOOK_ANYWAY_SECONDS) - now))

"""Times as people write them."""

import re
from datetime import datetime

_AGO = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_moment(text: str, now: float) -> float | None:
    """Unix seconds of `90s`, `30m`, `2h` or `7d` before `now`, or of a date in ISO 8601; None where it is neither.

    A date without a zone is one of this machine's.
    """
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return max(0.0, now - int(ago[1]) * _SECONDS[ago[2]])
    try:
        moment = datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment >= 0 else None

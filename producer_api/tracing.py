"""The trace that a client's request belongs to."""

import re

# W3C Trace Context, version 00; all zeroes are no id.
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def valid_traceparent(header: str | None) -> str | None:
    """The header as it came, or None where it is no `traceparent`."""
    return header if header is not None and _TRACEPARENT.fullmatch(header) else None

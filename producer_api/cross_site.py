"""Requests that a page of another origin has a browser send. Pure."""

from collections.abc import Mapping
from urllib.parse import urlsplit

# What these answer no other origin can read, and they change nothing.
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})


def is_cross_site(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser may have been made to send this by a page that is not ours; names of headers are lower case.

    Of a request with `Authorization` a browser asks first, which no other origin is granted (Fetch, CORS-preflight).
    Browsers say by `Sec-Fetch-Site` whose page it was, older ones by `Origin`; other clients send neither.
    """
    if method in _SAFE_METHODS or "authorization" in headers:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OURS
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")

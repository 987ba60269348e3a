"""The names by which requests may call the API. Pure.

A page anywhere can have its own name lead to this machine (DNS rebinding). To the browser that opened it the API then
is of its own origin: nothing it asks or reads is cross-site. But the request still says that name.
"""

from urllib.parse import urlsplit

from producer_api.network_address import is_address, is_loopback

_ANY = "*"
_SEPARATOR = ","
_LOCALHOST = "localhost"
# What was asked for is the client's text: of so many the verdict is kept.
_MOST_VERDICTS = 256


class AllowedHosts:
    """Says of a request's `Host` whether the API may be called so.

    Addresses, `localhost` and names without a dot always may: no page elsewhere has such a name.

    Args:
        names: Names besides, comma-separated; "*" is any. None are named by "": then any where the API listens to other
            machines too, and no other where it listens to this one alone.
        listens_on: The address that the API listens on.
    """

    def __init__(self, names: str, *, listens_on: str) -> None:
        self._names = frozenset(name.strip().lower() for name in names.split(_SEPARATOR) if name.strip())
        self._is_any = _ANY in self._names if self._names else not (listens_on == _LOCALHOST or is_loopback(listens_on))
        self._verdicts: dict[str, bool] = {}

    def allows(self, host: str | None) -> bool:
        """Whether `host`, a `Host` header with or without a port, may call the API; a request without one may."""
        if self._is_any or not host:
            return True
        verdict = self._verdicts.get(host)
        if verdict is None:
            if len(self._verdicts) >= _MOST_VERDICTS:
                self._verdicts.clear()
            verdict = self._verdicts[host] = self._judge(host)
        return verdict

    def _judge(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        name = name.removesuffix(".")
        return name in self._names or "." not in name or name.endswith(f".{_LOCALHOST}") or is_address(name)

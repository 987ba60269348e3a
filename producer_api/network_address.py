"""Addresses as they stand in settings, in `Host` headers and of connections. Pure."""

import ipaddress


def is_address(text: str) -> bool:
    """Whether this is an IP address, and no name."""
    return _parsed(text) is not None


def is_loopback(text: str) -> bool:
    """Whether this is an address of this machine to itself, an IPv4 one within IPv6 too."""
    found = _parsed(text)
    return found is not None and (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None

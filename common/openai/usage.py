"""What an answer cost, as each of the two shapes says it."""

from collections.abc import Mapping
from typing import Any


def response_usage(usage: object) -> dict[str, Any] | None:
    """A chat completion's `usage` as a Response's; None where there is none that says how many tokens there were.

    One that is a Response's already stays what it is, but for details that are missing.
    """
    if not isinstance(usage, Mapping):
        return None
    taken = _count(usage, "prompt_tokens", "input_tokens")
    given = _count(usage, "completion_tokens", "output_tokens")
    if taken is None or given is None:
        return None
    total = _count(usage, "total_tokens")
    taken_details = _details(usage, "prompt_tokens_details", "input_tokens_details")
    given_details = _details(usage, "completion_tokens_details", "output_tokens_details")
    return {
        "input_tokens": taken,
        "input_tokens_details": {
            "cached_tokens": _count(taken_details, "cached_tokens") or 0,
            "cache_write_tokens": _count(taken_details, "cache_write_tokens") or 0,
        },
        "output_tokens": given,
        "output_tokens_details": {"reasoning_tokens": _count(given_details, "reasoning_tokens") or 0},
        "total_tokens": taken + given if total is None else total,
    }


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        number = usage.get(name)
        if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
            return number
    return None


def _details(usage: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return next((usage[name] for name in names if isinstance(usage.get(name), Mapping)), {})

"""Contenders take turns, so that what the machine does meanwhile falls on all of them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

Measured = TypeVar("Measured")


async def interleaved(
    contenders: Mapping[str, Callable[[], Awaitable[Measured]]],
    rounds: int,
    tell: Callable[[int, str, Measured], None],
) -> dict[str, list[Measured]]:
    """Measure every contender once a round; each round another one begins.

    Args:
        contenders: What measures each, by its name.
        rounds: How often.
        tell: Called with the round, the name and what was measured.

    Returns:
        What was measured, by name, in the order of rounds.
    """
    names = list(contenders)
    measured: dict[str, list[Measured]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            value = await contenders[name]()
            measured[name].append(value)
            tell(number, name, value)
    return measured

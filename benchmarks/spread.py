"""Medians, and how far the rounds lie apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some values, the least and the greatest of them."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one value.

        Raises:
            ValueError: There is none.
        """
        if not values:
            raise ValueError("no value was measured")
        return cls(median(values), min(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return one value by the other, round by round: what the machine did in a round fell on both.

    Raises:
        ValueError: They have not the same number of rounds.
    """
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of all do not pass, by the nearest rank.

    Raises:
        ValueError: There is none, or `percent` is not between 0 and 100.
    """
    if not values or not 0 < percent <= 100:  # noqa: PLR2004 - per cent
        raise ValueError(f"no {percent}th percentile of {len(values)} values")
    rank = -(-len(values) * percent // 100)
    return sorted(values)[int(rank) - 1]

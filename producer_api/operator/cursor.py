"""Where a look at the dead letters goes on: what is left of each partition, as it was when the look began. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_STRETCH = r"(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,17})\.(?:0|[1-9]\d{0,17})"
_CURSOR = re.compile(rf"{_STRETCH}(?:_{_STRETCH})*", re.ASCII)
_LONGEST = 50_000
# Of a stretch whose end is not known yet.
_OPEN_END = 10**18 - 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Offsets of a partition from `begin` up to, and without, `end`."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is left, by partition.

    The ends are part of it: what is written meanwhile is for the next look, or redriving all would chase its own tail.
    """

    stretches: Mapping[int, Stretch]

    @property
    def remaining(self) -> int:
        """Records that are left; at most, for some may be gone by their age."""
        return sum(stretch.end - stretch.begin for stretch in self.stretches.values())

    @property
    def later(self) -> "Cursor":
        """What is behind it: whatever will have been written by then."""
        return Cursor({number: Stretch(left.end, _OPEN_END) for number, left in self.stretches.items()})

    def before(self, reached: "Cursor") -> "Cursor":
        """The part of it that lies before what was still left in `reached`."""
        return Cursor(
            {
                number: Stretch(min(left.begin, end), min(left.end, end))
                for number, left in self.stretches.items()
                if number in reached.stretches
                for end in (reached.stretches[number].begin,)
            }
        )

    def __str__(self) -> str:
        return "_".join(f"{number}.{left.begin}.{left.end}" for number, left in sorted(self.stretches.items()))


def parse_cursor(text: str) -> Cursor | None:
    """The cursor that `text` writes; None where it writes none."""
    if len(text) > _LONGEST or not _CURSOR.fullmatch(text):
        return None
    numbers = [tuple(map(int, part.split("."))) for part in text.split("_")]
    stretches = {partition: Stretch(begin, end) for partition, begin, end in numbers if begin <= end}
    return Cursor(stretches) if len(stretches) == len(numbers) else None

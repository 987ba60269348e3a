"""The numbers of a Response's events: each says how far its reader has come, so any API goes on after it. Pure.

A number tells the run, the attempt, how many items of lost attempts were told before, and the step within the attempt:
its text is numbered by the bytes of UTF-8 that are known with an event. Numbers only grow, and have gaps.
"""

from enum import IntEnum
from typing import NamedTuple

_STEP_BITS, _LOST_BITS, _ATTEMPT_BITS = 26, 5, 17
# Further lost items share a place: nobody's attempts are as many.
MOST_LOST = (1 << _LOST_BITS) - 1
MOST_TEXT_BYTES = (1 << 25) - 64


class Step(IntEnum):
    """Where an attempt's events begin, in their order. Those before any attempt belong to attempt 0."""

    CREATED = 0
    QUEUED = 1
    IN_PROGRESS = 2
    ITEM_ADDED = 8
    PART_ADDED = 9
    TEXT = 16
    LOST = 2**25 - 16
    FINISH = 2**25
    END = 2**26 - 1


class Place(NamedTuple):
    """What a number says."""

    run: int
    attempt: int
    lost: int
    step: int

    @property
    def is_in_text(self) -> bool:
        """Whether it is a place in the text: then so many bytes of it are known."""
        return Step.TEXT <= self.step < Step.LOST

    @property
    def offset(self) -> int:
        """How many bytes of the attempt's text are known here, 0 outside of it."""
        return self.step - Step.TEXT.value if self.is_in_text else 0


def number_of(place: Place) -> int:
    """The number that stands for a place."""
    attempt = (place.run - 1) << _ATTEMPT_BITS | place.attempt
    return (attempt << _LOST_BITS | min(place.lost, MOST_LOST)) << _STEP_BITS | place.step


def place_of(number: int) -> Place:
    """The place that a number stands for; any number that is not negative has one."""
    rest, step = divmod(number, 1 << _STEP_BITS)
    rest, lost = divmod(rest, 1 << _LOST_BITS)
    run, attempt = divmod(rest, 1 << _ATTEMPT_BITS)
    return Place(run + 1, attempt, lost, step)

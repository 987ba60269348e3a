"""A record to be written to Kafka, and what came of it."""

from typing import NamedTuple

from common.record import Headers


class OutgoingRecord(NamedTuple):
    """One record, as bytes."""

    key: bytes
    value: bytes
    headers: Headers


class Place(NamedTuple):
    """Where an acknowledged record stands."""

    partition: int
    offset: int


class Unwritten(NamedTuple):
    """A record without acknowledgement. It may be in the log all the same, unless it was `too_large`."""

    too_large: bool = False


Written = Place | Unwritten

"""Which waiting records are moved to the tail of their topic, and what the copy there looks like. Pure."""

import math
from dataclasses import dataclass

from consumer.engine.ports import Delivery, Headers, OutgoingRecord

ATTEMPTS, FAILURES, NOT_BEFORE = "attempts", "failures", "not-before"
_OURS = frozenset({ATTEMPTS, FAILURES, NOT_BEFORE})
_MAX_COUNT = 2**31
# Unix seconds, some thousand years from now: what is later was no time.
_MAX_TIME = 1e11
# An hour's wait that holds back commits all the time is moved some fifteen times, ever more often as it ends.
_STAY_PER_WAIT = 0.25


@dataclass(frozen=True, slots=True)
class Resumption:
    """What a copy at the tail says of its past: attempts made, those that failed, and the Unix time of the next.

    None where it does not say.

    `copied` tells a copy from a record as it was first written.
    """

    attempts: int | None = None
    failures: int | None = None
    not_before: float | None = None
    copied: bool = False


_FIRST_WRITTEN = Resumption()


def resumption(headers: Headers) -> Resumption:
    """Read the headers of a delivery; what cannot be read counts as absent, for anybody may write to a topic."""
    found = {name: content for name, content in headers if name in _OURS}
    if not found:
        return _FIRST_WRITTEN
    not_before = _number(found.get(NOT_BEFORE))
    return Resumption(
        attempts=_count(found.get(ATTEMPTS)),
        failures=_count(found.get(FAILURES)),
        not_before=None if not_before is None or not_before > _MAX_TIME else not_before,
        copied=NOT_BEFORE in found,
    )


def tail_copy(delivery: Delivery, *, attempts: int | None, failures: int | None, not_before: float) -> OutgoingRecord:
    """The delivery's record for the tail of its own partition: the original but for its own headers, never stacked.

    `not_before` is in Unix seconds. Without `attempts` or `failures` those that the record had stay.
    """
    before = resumption(delivery.headers)
    headers = [(name, content) for name, content in delivery.headers if name not in _OURS]
    for name, count, known in ((ATTEMPTS, attempts, before.attempts), (FAILURES, failures, before.failures)):
        latest = known if count is None else count
        if latest is not None:
            headers.append((name, str(latest).encode()))
    headers.append((NOT_BEFORE, f"{not_before:.3f}".encode()))
    return OutgoingRecord(
        topic=delivery.topic,
        partition=delivery.partition,
        key=delivery.key,
        value=delivery.value,
        headers=headers,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A record that waits, as the policy sees it. Times are in seconds.

    `remaining` until it is due; `stayed` since it came here, or since a move of it last failed; `fresh` when it is
    neither a copy nor was ever tried to be moved; `held` when it waits for another process; `crowded` when its
    partition is not read any further for one of its bounds; `holding` when finished offsets behind it wait for it.
    """

    remaining: float
    stayed: float
    fresh: bool
    held: bool
    crowded: bool
    holding: bool


@dataclass(frozen=True, slots=True)
class TailPolicy:
    """A wait of `after_seconds` or more is moved at once; a copy that has come round is waited for where it is.

    It is moved again only where it is in the way, and never before it has stayed for `after_seconds`: a partition that
    is not read for its sake waits so long at most, and a topic with nothing but copies in it sees no writes at all.
    """

    after_seconds: float

    def moves(self, wait: Wait) -> bool:
        """Whether the record is to be moved now."""
        if wait.held:
            # Another process may take it at any moment; moved, it would outlive its topic's retention.
            return wait.crowded and wait.stayed >= self.after_seconds
        if wait.remaining < self.after_seconds:
            return False
        if wait.fresh:
            return True
        if wait.crowded and wait.stayed >= self.after_seconds:
            return True
        return wait.holding and wait.stayed >= max(self.after_seconds, _STAY_PER_WAIT * wait.remaining)


def _count(content: bytes | None) -> int | None:
    number = _number(content)
    return None if number is None or number > _MAX_COUNT else int(number)


def _number(content: bytes | None) -> float | None:
    try:
        number = float(content or b"")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None

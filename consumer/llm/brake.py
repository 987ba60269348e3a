"""Is nearly everything failing for reasons of our own? Then no record should be started until one succeeds. Pure."""

import math
from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum

# Newest of them; a busy worker has seen enough long before the window is over.
_MOST_RECORDS = 10_000


class Sign(StrEnum):
    """What the handling of one record says of this worker."""

    MODEL_REFUSES = "model_refuses"
    """The model server does not accept our key (401 and its like, 403 for our own model)."""
    MODEL_FORBIDS = "model_forbids"
    """The model server forbids (403) the model that a tenant names, or what it sends, or our key: nobody can tell."""
    OWN_ERROR = "own_error"
    """Our own code raised."""
    UNDECODABLE = "undecodable"
    """The record is no task."""
    MODEL_TAKES = "model_takes"
    """The model server dealt with the request, be it that it answered or that it rejected this very prompt."""
    MODEL_FAILS = "model_fails"
    """The model server was at its limit, failed or was away."""
    HANDLED = "handled"
    """The record was settled without a call."""

    @property
    def is_ours(self) -> bool:
        """Whether it speaks against this worker rather than against a prompt or the model."""
        return self in {Sign.MODEL_REFUSES, Sign.MODEL_FORBIDS, Sign.OWN_ERROR, Sign.UNDECODABLE}

    @property
    def needs_tenants(self) -> bool:
        """Whether one tenant can bring it about alone: then it takes several to say anything of this worker."""
        return self in _NEED_TENANTS

    def proves_mended(self, fault: "Sign") -> bool:
        """Whether it shows that `fault` is over: only a model that takes a request has accepted our key."""
        if self is Sign.MODEL_TAKES:
            return True
        return fault not in {Sign.MODEL_REFUSES, Sign.MODEL_FORBIDS} and not self.is_ours


# Our own code may raise on what one tenant sends, or on what a model answers it.
_NEED_TENANTS = frozenset({Sign.UNDECODABLE, Sign.MODEL_FORBIDS, Sign.OWN_ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakePolicy:
    """When to brake, and how to go on.

    It comes on when of the records of the last `window_seconds` at least `least_records` failed by our own fault and
    these are at least `share` of all; undecodable and forbidden ones and our own errors each count only if they are of
    `least_tenants` or more. While it is on, one record at a time is tried, `probe_seconds` after the last one failed.
    """

    window_seconds: float
    least_records: int
    probe_seconds: float
    share: float = 0.9
    least_tenants: int = 2


class Brake:
    """Off, or on with at most one record under way as a probe. Times are of one monotonic clock, in seconds."""

    def __init__(self, policy: BrakePolicy) -> None:
        self._policy = policy
        self._fault: Sign | None = None
        self._probe: Hashable | None = None
        self._probe_failed = False
        self._probe_at = 0.0
        # Each record's last sign, the latest at the end; a record that fails again and again is still one.
        self._seen: OrderedDict[Hashable, tuple[float, Sign, str | None]] = OrderedDict()
        self._signs: Counter[Sign] = Counter()
        self._tenants: dict[Sign, Counter[str]] = {sign: Counter() for sign in _NEED_TENANTS}

    @property
    def fault(self) -> Sign | None:
        """Why the brake is on; None while it is off."""
        return self._fault

    def wait_seconds(self, now: float) -> float:
        """How long until another record may start, unless something is noted before."""
        if self._fault is None:
            return 0.0
        return math.inf if self._probe is not None else max(0.0, self._probe_at - now)

    def entered(self, record: Hashable) -> bool:
        """A record starts; whether it is a probe."""
        if self._fault is None:
            return False
        self._probe, self._probe_failed = record, False
        return True

    def note(self, record: Hashable, sign: Sign, now: float, *, tenant: str | None = None) -> None:
        """The handling of a record came to this; `tenant` is whose it is, where that is known."""
        if self._fault is None:
            self._remember(record, sign, now, tenant)
            if sign.is_ours and self._nearly_all_ours():
                self._fault = sign
                self._probe_at = now + self._policy.probe_seconds
                self._forget_all()
        elif record == self._probe:
            # What was under way when the brake came on began before the fault, perhaps: it proves nothing.
            if sign.proves_mended(self._fault):
                self._fault = self._probe = None
            else:
                self._probe_failed = True
                self._fault = sign if sign.is_ours else self._fault

    def left(self, record: Hashable, now: float) -> None:
        """A record that had entered holds its slot no more; a probe of which nothing was noted leaves room at once."""
        if self._probe is not None and record == self._probe:
            self._probe = None
            self._probe_at = now + (self._policy.probe_seconds if self._probe_failed else 0.0)

    def _remember(self, record: Hashable, sign: Sign, now: float, tenant: str | None) -> None:
        if record in self._seen:
            self._forget(record)
        self._seen[record] = (now, sign, tenant)
        self._signs[sign] += 1
        if sign.needs_tenants and tenant is not None:
            self._tenants[sign][tenant] += 1
        since = now - self._policy.window_seconds
        while len(self._seen) > _MOST_RECORDS or next(iter(self._seen.values()))[0] < since:
            self._forget(next(iter(self._seen)))

    def _forget(self, record: Hashable) -> None:
        _, sign, tenant = self._seen.pop(record)
        self._signs[sign] -= 1
        if sign.needs_tenants and tenant is not None:
            self._tenants[sign][tenant] -= 1
            # Names of tenants are without end.
            self._tenants[sign] += Counter()

    def _forget_all(self) -> None:
        self._seen.clear()
        self._signs.clear()
        for tenants in self._tenants.values():
            tenants.clear()

    def _nearly_all_ours(self) -> bool:
        ours = self._signs[Sign.MODEL_REFUSES]
        judged = len(self._seen)
        for sign, tenants in self._tenants.items():
            if len(tenants) >= self._policy.least_tenants:
                ours += self._signs[sign]
            else:
                # What one tenant, or nobody that is known, has put there says nothing of this worker, neither way.
                judged -= self._signs[sign]
        return ours >= self._policy.least_records and ours >= self._policy.share * judged

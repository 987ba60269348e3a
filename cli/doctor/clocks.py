"""Clocks that differ: leases, expiries and retries are times that several machines read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cli.doctor.finding import Check, Finding, failure, ok, warning

# A lease is 30 s by default, and the shortest wait for a next attempt about a second.
WARNING_SECONDS, FAILURE_SECONDS = 2.0, 10.0
_MEND = "let both be set by NTP: timedatectl, or chronyc tracking, on that machine and on this one"


@dataclass(frozen=True, slots=True)
class Clock:
    """Somebody's clock: `ahead_seconds` of ours, give or take `within_seconds`."""

    whose: str
    ahead_seconds: float
    within_seconds: float


def judge_clocks(clocks: Sequence[Clock], ahead: Sequence[str]) -> list[Finding]:
    """Whether the clocks agree with ours; `ahead` are topics with records of the future."""
    findings = [*_differing(clocks)]
    for topic in ahead:
        found = f"{topic} has records of times to come, more than {FAILURE_SECONDS:g} s from now"
        findings.append(failure(Check.CLOCKS, found, "set the clocks of the APIs and workers, or this one, by NTP"))
    if findings:
        return findings
    if not clocks:
        return [warning(Check.CLOCKS, "no other clock was seen", "mend redis and api first")]
    widest = max(abs(clock.ahead_seconds) + clock.within_seconds for clock in clocks)
    return [ok(Check.CLOCKS, f"{' and '.join(clock.whose for clock in clocks)}: within {widest:.1f} s of this one")]


def _differing(clocks: Sequence[Clock]) -> Iterator[Finding]:
    for clock in clocks:
        least = abs(clock.ahead_seconds) - clock.within_seconds
        if least < WARNING_SECONDS:
            continue
        way = "ahead of" if clock.ahead_seconds > 0 else "behind"
        found = f"the clock of {clock.whose} is {abs(clock.ahead_seconds):,.0f} s {way} this one"
        yield (failure if least >= FAILURE_SECONDS else warning)(Check.CLOCKS, found, _MEND)

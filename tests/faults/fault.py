"""One fault: what is done to the product under load, what it may cost, and the check that it cost no more."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

import orjson

from tests.faults.circumstances import Circumstances
from tests.faults.scene import Scene, Terms
from tests.faults.verdict import Verdict, judge, seconds_to_recover

_TASKS_BEFORE, _TASKS_AFTER = 24, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of the table.

    Args:
        name: Says what is done, for the table.
        strike: Does it, and undoes it, while tasks are submitted.
        duplicates: Most calls that may be made again.
        recovery_seconds: Longest time until the tasks accepted before are final; None where nothing is promised.
        deadline: Seconds after which a task without an end counts as lost.
        terms: How the scene is set up.
        once: Whether it leaves in the log what a later fault would stumble over: it is none for a soak.
    """

    name: str
    strike: Callable[[Scene], Awaitable[None]]
    duplicates: int = 0
    recovery_seconds: float | None = None
    deadline: float = 120.0
    terms: Terms = field(default_factory=Terms)
    once: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a fault did."""

    name: str
    tasks: int
    lost: int
    other: int
    duplicates: int
    duplicates_allowed: int
    recovery_seconds: float

    def append_to(self, file: Path, circumstances: Circumstances) -> None:
        """Write both as one line of JSON, at once: several processes may do so."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab", buffering=0) as lines:
            lines.write(orjson.dumps(asdict(self) | asdict(circumstances)) + b"\n")


async def suffer(fault: Fault, scene: Scene) -> tuple[Measurement, Verdict]:
    """Let a fault strike under load, wait for the end of every task, and judge."""
    async with scene.load.running():
        await scene.load.accepts_more(_TASKS_BEFORE)
        await scene.calls_in_flight()
        await fault.strike(scene)
        moments = scene.moments or [time.time()]
        await scene.load.accepts_more(_TASKS_AFTER)
    evidence = await scene.evidence(fault.deadline)
    verdict = judge(evidence)
    measurement = Measurement(
        name=fault.name,
        tasks=verdict.tasks,
        lost=len(verdict.lost),
        other=len(verdict.other),
        duplicates=verdict.duplicate_calls,
        duplicates_allowed=fault.duplicates,
        recovery_seconds=round(
            max(seconds_to_recover(evidence, scene.load.accepted_at, moment) for moment in moments), 1
        ),
    )
    return measurement, verdict


def check(fault: Fault, measurement: Measurement, verdict: Verdict, notes: list[str]) -> None:
    """Hold what was measured to what is promised.

    Raises:
        AssertionError: A promise is broken; it says which, for which tasks.
    """
    told = f"{measurement}; {'; '.join(notes)}"
    assert not verdict.lost, f"lost {dict(islice(verdict.lost.items(), 5))}: {told}"
    assert verdict.other == (), f"other than one outcome {verdict.other[:5]}: {told}"
    assert verdict.duplicate_calls <= fault.duplicates, f"calls made again: {told}"
    assert not notes, told
    if fault.recovery_seconds is not None:
        assert measurement.recovery_seconds <= fault.recovery_seconds, f"recovered late: {told}"

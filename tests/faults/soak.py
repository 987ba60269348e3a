"""`python -m tests.faults.soak --minutes 60 --seed 7`: faults in random order, one after the other, on one deployment.

`--only TEXT`, as often as wanted, chooses the faults with that in their names.

Sessions and leases are those of production. It ends with what was lost, called again, and how memory grew;
status 1 where a promise was broken.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.catalogue import faults_of_one_broker
from tests.faults.fault import Fault
from tests.faults.memory import Growth, MemoryLog
from tests.faults.scene import Scene, Servers, Terms, scene
from tests.faults.verdict import Verdict, judge
from tests.support.processes import running_processes
from tests.support.servers import free_ports, own_kafka, own_valkey

# Beside the defaults: a model that fails for a minute at a time must not use up a task's attempts, nor one that hangs
# hold every slot for five.
_SETTINGS: dict[str, object] = {
    "tasks__max_attempts": 100,
    "llm__call_timeout_seconds": 20,
    "worker__drain_timeout_seconds": 40,
    "worker__shutdown_grace_seconds": 50,
}
_DEADLINE_SECONDS = 600
_BETWEEN_TASKS = 60
_MIB = 1 << 20
# A process fills its caches and its allocator's arenas first. Faults that end processes leave few to watch so long.
_SETTLING_SECONDS, _LONG_ENOUGH_SECONDS = 300, 600
_MOST_GROWTH_AN_HOUR = 30 * _MIB


@dataclass(frozen=True, slots=True)
class Report:
    """What a soak ended with."""

    verdict: Verdict
    allowed: int
    growth: list[Growth]
    notes: list[str]

    def is_fine(self) -> bool:
        """Tell whether every promise held, and no process grew on and on."""
        lost = self.verdict.lost or self.verdict.other or self.notes
        grew = any(growth.bytes_an_hour > _MOST_GROWTH_AN_HOUR for growth in self.growth)
        return not lost and not grew and self.verdict.duplicate_calls <= self.allowed


async def soak(faults: list[Fault], minutes: float, seed: int, folder: Path) -> Report:
    """Let faults strike for so many minutes, then wait for the end of every task and judge."""
    random = Random(seed)
    memory = MemoryLog()
    async with AsyncExitStack() as parts:
        ports = await parts.enter_async_context(free_ports())
        processes = await parts.enter_async_context(running_processes())
        servers = Servers((await own_kafka(processes, ports, folder),), await own_valkey(processes, ports, folder))
        terms = Terms(worker_settings=_SETTINGS, requests_per_second=2.0, seed=seed)
        struck = await parts.enter_async_context(
            scene(terms, servers=servers, ports=ports, folder=folder / "logs", started=[])
        )
        allowed = await _strike_again_and_again(faults, struck, memory, random, minutes * 60)
        evidence = await struck.evidence(_DEADLINE_SECONDS)
        growth = memory.growth(at_least_seconds=_LONG_ENOUGH_SECONDS, settling_seconds=_SETTLING_SECONDS)
        return Report(judge(evidence), allowed, growth, struck.notes)


async def _strike_again_and_again(
    faults: list[Fault], struck: Scene, memory: MemoryLog, random: Random, seconds: float
) -> int:
    """Return how many calls the faults together may have caused to be made again."""
    allowed = 0
    began = time.monotonic()
    async with struck.load.running():
        await struck.load.accepts_more(_BETWEEN_TASKS, deadline=_DEADLINE_SECONDS)
        while time.monotonic() - began < seconds:
            random.shuffle(faults)
            for fault in faults:
                passed = time.monotonic() - began
                if passed >= seconds:
                    break
                _say(f"{passed / 60:6.1f} min, {len(struck.load.accepted)} tasks: {fault.name}")
                await fault.strike(struck)
                await struck.load.accepts_more(_BETWEEN_TASKS, deadline=_DEADLINE_SECONDS)
                allowed += fault.duplicates
                memory.look([*struck.deployment.apis, *struck.workers], time.monotonic())
    return allowed


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  what a soak is watched by


def _tell(report: Report) -> None:
    verdict = report.verdict
    _say(
        f"{verdict.tasks} tasks: {len(verdict.lost)} lost, {len(verdict.other)} with other than one outcome, "
        f"{verdict.duplicate_calls} calls made again (at most {report.allowed})"
    )
    for growth in report.growth:
        _say(
            f"memory of {growth.process}: {growth.bytes_an_hour / _MIB:+.1f} MiB an hour over "
            f"{growth.seconds / 60:.0f} min, {growth.resident_bytes / _MIB:.0f} MiB at last"
        )
    lost = [f"{task_id}: {how}" for task_id, how in verdict.lost.items()]
    for note in [*lost[:10], *verdict.other[:10], *report.notes]:
        _say(note)


def main() -> None:
    """Read the command line and soak."""
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1, help="of the order of faults and of all that is random in them")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="faults with this in their names")
    given = parser.parse_args()
    faults = [
        fault
        for fault in faults_of_one_broker()
        if not fault.once and (not given.only or any(text.lower() in fault.name.lower() for text in given.only))
    ]
    if not faults:
        parser.error(f"no fault's name has any of {given.only}")
    folder = Path(tempfile.mkdtemp(prefix="promptmill-soak-"))
    _say(f"logs and data are kept in {folder} unless all goes well")
    report = asyncio.run(soak(faults, given.minutes, given.seed, folder))
    _tell(report)
    if not report.is_fine():
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()

"""On what, and beside what, a fault was measured."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.stack.kafka_jars import LOCK, locked_jars
from tests.faults.scene import Scene

_KAFKA_ARTIFACT = "kafka_2.13"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """One measurement's.

    Args:
        at: When, Unix seconds.
        at_once: How many tests ran at a time.
        load_average: How many processes of the machine wanted a core, over the last minute.
        cores: How many it has.
        software: What ran, with versions.
    """

    at: float
    at_once: int
    load_average: float
    cores: int
    software: Sequence[str]


async def circumstances_of(scene: Scene, *, at_once: int) -> Circumstances:
    """Look at them now."""
    valkey = await scene.redis.info("server")
    return Circumstances(
        at=time.time(),
        at_once=at_once,
        load_average=os.getloadavg()[0],
        cores=os.cpu_count() or 1,
        software=(
            f"{platform.system()} {platform.machine()}",
            f"Python {platform.python_version()}",
            f"Apache Kafka {kafka_version()}",
            f"Valkey {valkey['valkey_version']}",
        ),
    )


def kafka_version() -> str:
    """Return the version of the Kafka that the tests start."""
    return next(jar.version for jar in locked_jars(LOCK.read_text("ascii")) if jar.artifact == _KAFKA_ARTIFACT)


def described(measurements: Sequence[Mapping[str, Any]]) -> str:
    """Say in a sentence or two on what these were taken."""
    days = sorted({time.strftime("%Y-%m-%d", time.gmtime(measured["at"])) for measured in measurements})
    machines = sorted({_machine(measured) for measured in measurements})
    most = max(measured["at_once"] for measured in measurements)
    at_once = "one fault at a time" if most == 1 else f"up to {most} tests at a time"
    load = sum(measured["load_average"] for measured in measurements) / len(measurements)
    return (
        f"Measured by the tests themselves on {' and '.join(days)}, {at_once}, on {'; '.join(machines)}. "
        f"Meanwhile {load:.1f} processes of the machine wanted a core on average."
    )


def _machine(measured: Mapping[str, Any]) -> str:
    return f"{measured['cores']} cores, {', '.join(measured['software'])}"

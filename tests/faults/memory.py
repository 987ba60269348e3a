"""How the memory of processes grows; pure but for the look at a process."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.support.processes import LiveProcess

_SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one process, its first time left out: seconds watched, bytes an hour, and the bytes it held at last."""

    process: str
    seconds: float
    bytes_an_hour: float
    resident_bytes: float


@dataclass(slots=True)
class MemoryLog:
    """Resident bytes of each process at each look, by its name and id: a replaced process begins anew."""

    samples: dict[tuple[str, int], list[tuple[float, int]]] = field(default_factory=dict)

    def look(self, processes: Iterable[LiveProcess], now: float) -> None:
        """Note what the running ones hold; ``now`` is in seconds."""
        for process in processes:
            if process.is_running():
                self.samples.setdefault((process.name, process.pid), []).append((now, process.resident_bytes()))

    def growth(self, *, at_least_seconds: float, settling_seconds: float) -> list[Growth]:
        """Return how each process grew that was watched for long enough after it had settled."""
        grown = []
        for (name, pid), samples in self.samples.items():
            settled = [sample for sample in samples if sample[0] - samples[0][0] >= settling_seconds]
            if settled and (watched := settled[-1][0] - settled[0][0]) >= at_least_seconds:
                an_hour = slope(settled) * _SECONDS_AN_HOUR
                grown.append(Growth(f"{name} (process {pid})", watched, an_hour, settled[-1][1]))
        return grown


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the straight line that fits the points best, 0 for fewer than two instants."""
    if not points:
        return 0.0
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    if spread == 0:
        return 0.0
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread

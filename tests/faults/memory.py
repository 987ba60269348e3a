"""How the memory of processes grows; pure but for the look at a process."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.processes import LiveProcess

_SECONDS_AN_HOUR = 3600.0


@dataclass(slots=True)
class MemoryLog:
    """Resident bytes of each process at each look, by its name and id: a replaced process begins anew."""

    samples: dict[tuple[str, int], list[tuple[float, int]]] = field(default_factory=dict)

    def look(self, processes: Iterable[LiveProcess], now: float) -> None:
        """Note what the running ones hold; ``now`` is in seconds."""
        for process in processes:
            if process.is_running():
                self.samples.setdefault((process.name, process.pid), []).append((now, process.resident_bytes()))

    def growth(self, *, at_least_seconds: float, settling_seconds: float) -> Mapping[str, float]:
        """Return bytes an hour for each process that was seen for long enough, its first time left out."""
        grown = {}
        for (name, pid), samples in self.samples.items():
            settled = [sample for sample in samples if sample[0] - samples[0][0] >= settling_seconds]
            if settled and settled[-1][0] - settled[0][0] >= at_least_seconds:
                grown[f"{name} (process {pid})"] = slope(settled) * _SECONDS_AN_HOUR
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

"""The figures that suites tell, and how they are written."""

from dataclasses import dataclass

from benchmarks.spread import Spread


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure's heading with its unit, and how many digits follow the point."""

    heading: str
    digits: int

    def text(self, value: float) -> str:
        """Write one value."""
        return f"{value:,.{self.digits}f}"

    def spread_text(self, spread: Spread) -> str:
        """Write the middle, and beside it the least and the greatest where they differ from it."""
        middle, low, high = self.text(spread.middle), self.text(spread.low), self.text(spread.high)
        return middle if low == middle == high else f"{middle} ({low} to {high})"


METRICS = {
    "per_second": Metric("items/s", 0),
    "cpu_ms": Metric("CPU ms/item", 3),
    "requests_per_second": Metric("requests/s", 0),
    "p50_ms": Metric("p50 ms", 1),
    "p99_ms": Metric("p99 ms", 1),
    "store_commands": Metric("Redis commands/item", 2),
    "first_call_seconds": Metric("start to first call, s", 2),
    "resident_mb": Metric("resident MB", 0),
}

"""Rounds of samples, told as they come."""

from collections.abc import Awaitable, Callable

from benchmarks.rounds import interleaved
from benchmarks.sample import Sample
from benchmarks.spread import Spread

Contenders = dict[str, Callable[[], Awaitable[Sample]]]


async def told_rounds(contenders: Contenders, rounds: int, tell: Callable[[str], None]) -> dict[str, list[Sample]]:
    """Measure every contender so many times, in turn, and return their samples by round."""

    def told(number: int, name: str, sample: Sample) -> None:
        tell(f"  {number + 1}  {_line(name, sample.per_second, sample.cpu_ms)}")

    samples = await interleaved(contenders, rounds, told)
    if rounds > 1:
        tell("  medians")
        for name, measured in samples.items():
            per_second = Spread.of([sample.per_second for sample in measured]).middle
            tell(f"     {_line(name, per_second, Spread.of([sample.cpu_ms for sample in measured]).middle)}")
    return samples


def _line(name: str, per_second: float, cpu_ms: float) -> str:
    return f"{name:32} {per_second:10,.0f}/s {cpu_ms:8.3f} ms CPU an item"

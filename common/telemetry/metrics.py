"""Counters and histograms for the hot path of one event loop: no locks, and labels that were seen before are at hand.

The client library's own are made for many threads; a worker counts a dozen times for each task.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

C = TypeVar("C")
Labels = tuple[str, ...]


class Count:
    """One counter."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1) -> None:
        """Count so many; never below 0."""
        self.value += amount


class Distribution:
    """How often an amount was at most each of `bounds`, which ascend."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, amount: float) -> None:
        """Take note of an amount."""
        self.counts[bisect_left(self._bounds, amount)] += 1
        self.total += amount


class _Labelled(Generic[C]):
    """One series for each combination of labels, which are given in their order; one alone where there are none."""

    def __init__(self, names: Sequence[str], new: Callable[[], C]) -> None:
        self._names = tuple(names)
        self._new = new
        self._series: dict[Labels, C] = {} if names else {(): new()}

    @property
    def series(self) -> Mapping[Labels, C]:
        """Every series there is, by its labels."""
        return self._series

    def labels(self, *values: str) -> C:
        """The series of these labels."""
        series = self._series.get(values)
        if series is None:
            if len(values) != len(self._names):
                raise ValueError(f"labels are {self._names}")
            series = self._series[values] = self._new()
        return series


class Counter(_Labelled[Count]):
    """A counter as `prometheus_client.Counter`, of which it has what we use."""

    def __init__(self, name: str, text: str, labelnames: Sequence[str] = (), *, registry: CollectorRegistry) -> None:
        super().__init__(labelnames, Count)
        self._name = name
        self._text = text
        registry.register(self)

    def inc(self, amount: float = 1) -> None:
        """Count so many, where there are no labels."""
        self._series[()].value += amount

    def describe(self) -> Iterable[Metric]:
        """What is collected, without its samples."""
        return [CounterMetricFamily(self._name, self._text, labels=self._names)]

    def collect(self) -> Iterable[Metric]:
        """What was counted."""
        family = CounterMetricFamily(self._name, self._text, labels=self._names)
        for labels, count in self._series.items():
            family.add_metric(labels, count.value)
        return [family]


class Histogram(_Labelled[Distribution]):
    """A histogram as `prometheus_client.Histogram`, of which it has what we use. `buckets` ascend, without infinity."""

    def __init__(
        self,
        name: str,
        text: str,
        labelnames: Sequence[str] = (),
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        bounds = tuple(map(float, buckets))
        super().__init__(labelnames, lambda: Distribution(bounds))
        self._name = name
        self._text = text
        self._bounds = [*map(floatToGoString, bounds), "+Inf"]
        registry.register(self)

    @property
    def bounds(self) -> Sequence[str]:
        """The bounds of its buckets as text, the last of them infinite."""
        return self._bounds

    def observe(self, amount: float) -> None:
        """Take note of an amount, where there are no labels."""
        self._series[()].observe(amount)

    def describe(self) -> Iterable[Metric]:
        """What is collected, without its samples."""
        return [HistogramMetricFamily(self._name, self._text, labels=self._names)]

    def collect(self) -> Iterable[Metric]:
        """What was observed."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._names)
        for labels, seen in self._series.items():
            family.add_metric(labels, list(zip(self._bounds, accumulate(seen.counts), strict=True)), seen.total)
        return [family]

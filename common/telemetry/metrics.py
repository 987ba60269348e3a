"""Counters and histograms for the hot path of one event loop: no locks, and labels that were seen before are at hand.

The client library's own are made for many threads; a worker counts a dozen times for each task. And every label says
which values it may have: whatever else comes is counted under `other`, so that no word of somebody else's can make
series without end.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

C = TypeVar("C")
Labels = tuple[str, ...]

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Label:
    """A label with its values; or, where they are not all known beforehand, what they are and how many at most."""

    name: str
    values: tuple[str, ...] = ()
    what: str = ""
    most: int = 0

    def admits(self, value: str, seen: set[str]) -> bool:
        """Whether a series may have this value, after those that were `seen`."""
        return value in self.values or value in seen or len(seen) < self.most


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

    def __init__(self, name: str, text: str, labels: Sequence[Label], new: Callable[[], C]) -> None:
        self.name = name
        self.text = text
        self.label_values = tuple(labels)
        self._names = tuple(label.name for label in labels)
        self._new = new
        self._series: dict[Labels, C] = {} if labels else {(): new()}

    @property
    def series(self) -> Mapping[Labels, C]:
        """Every series there is, by its labels."""
        return self._series

    def labels(self, *values: str) -> C:
        """The series of these labels; a value that its label does not admit counts as `other`."""
        series = self._series.get(values)
        return self._first_seen(values) if series is None else series

    def _first_seen(self, values: Labels) -> C:
        if len(values) != len(self.label_values):
            raise ValueError(f"labels are {self._names}")
        admitted = tuple(
            value if label.admits(value, {known[place] for known in self._series}) else OTHER
            for place, (label, value) in enumerate(zip(self.label_values, values, strict=True))
        )
        return self._series.setdefault(admitted, self._new())


class Counter(_Labelled[Count]):
    """A counter as `prometheus_client.Counter`, of which it has what we use."""

    def __init__(self, name: str, text: str, labels: Sequence[Label] = (), *, registry: CollectorRegistry) -> None:
        super().__init__(name, text, labels, Count)
        # What was never there before has not increased: of a series that begins with 1 nobody would be told.
        if all(label.values for label in labels):
            for values in product(*(label.values for label in labels)):
                self.labels(*values)
        registry.register(self)

    def inc(self, amount: float = 1) -> None:
        """Count so many, where there are no labels."""
        self._series[()].value += amount

    def describe(self) -> Iterable[Metric]:
        """What is collected, without its samples."""
        return [CounterMetricFamily(self.name, self.text, labels=self._names)]

    def collect(self) -> Iterable[Metric]:
        """What was counted."""
        family = CounterMetricFamily(self.name, self.text, labels=self._names)
        for labels, count in self._series.items():
            family.add_metric(labels, count.value)
        return [family]


class Histogram(_Labelled[Distribution]):
    """A histogram as `prometheus_client.Histogram`, of which it has what we use. `buckets` ascend, without infinity."""

    def __init__(
        self,
        name: str,
        text: str,
        labels: Sequence[Label] = (),
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        bounds = tuple(map(float, buckets))
        super().__init__(name, text, labels, lambda: Distribution(bounds))
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
        return [HistogramMetricFamily(self.name, self.text, labels=self._names)]

    def collect(self) -> Iterable[Metric]:
        """What was observed."""
        family = HistogramMetricFamily(self.name, self.text, labels=self._names)
        for labels, seen in self._series.items():
            family.add_metric(labels, list(zip(self._bounds, accumulate(seen.counts), strict=True)), seen.total)
        return [family]


class Gauges:
    """Figures that are asked for when they are collected, by one label; `prometheus_client.Gauge` is for one alone."""

    def __init__(self, name: str, text: str, label: Label, *, registry: CollectorRegistry) -> None:
        self.name = name
        self.text = text
        self.label_values = (label,)
        self._read: Callable[[], Mapping[str, float]] = dict
        registry.register(self)

    def set_function(self, read: Callable[[], Mapping[str, float]]) -> None:
        """Ask this for them, by the label's values."""
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """What is collected, without its samples."""
        return [self._family()]

    def collect(self) -> Iterable[Metric]:
        """What is so now."""
        family, [label] = self._family(), self.label_values
        seen = set[str]()
        for value, figure in self._read().items():
            if label.admits(value, seen):
                seen.add(value)
                family.add_metric((value,), figure)
        return [family]

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(self.name, self.text, labels=[label.name for label in self.label_values])

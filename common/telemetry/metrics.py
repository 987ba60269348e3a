"""Prometheus's metrics with labels, for paths where looking a label up would cost more than counting."""

from typing import Any, Self

import prometheus_client


class Counter(prometheus_client.Counter):
    """A counter that finds labels it has seen before at once; they are given in their order."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._seen: dict[tuple[object, ...], Self] = {}

    def labels(self, *labelvalues: object, **labelkwargs: object) -> Self:
        """The counter of these labels."""
        seen = None if labelkwargs else self._seen.get(labelvalues)
        if seen is None:
            seen = super().labels(*labelvalues, **labelkwargs)
            if not labelkwargs:
                self._seen[labelvalues] = seen
        return seen


class Histogram(prometheus_client.Histogram):
    """A histogram that finds labels it has seen before at once; they are given in their order."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._seen: dict[tuple[object, ...], Self] = {}

    def labels(self, *labelvalues: object, **labelkwargs: object) -> Self:
        """The histogram of these labels."""
        seen = None if labelkwargs else self._seen.get(labelvalues)
        if seen is None:
            seen = super().labels(*labelvalues, **labelkwargs)
            if not labelkwargs:
                self._seen[labelvalues] = seen
        return seen

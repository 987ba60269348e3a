"""What a worker has counted since its start, as whole numbers by name: what charts of all workers are summed from.

Names are words of ours: statuses of tasks, ends of calls, directions of tokens, bounds of latencies.
"""

from collections.abc import Iterator, Mapping

from common.telemetry.metrics import Counter, Distribution, Histogram
from consumer.llm.metrics import LlmMetrics
from consumer.metrics import EngineMetrics


def totals_of(llm: LlmMetrics, engine: EngineMetrics) -> Mapping[str, int]:
    """The totals by these names: `tasks:STATUS`, `calls:OUTCOME`, `retries:CAUSE`, `tokens:DIRECTION`.

    Of two times there are `NAME_le:SECONDS`, how many were over the bound before and not over this one, and `NAME_ms`,
    their sum: `call`, of each call of the model, and `wait`, from a record's timestamp to its first attempt.
    """
    return dict(
        (
            *_of_counter("tasks", llm.outcomes),
            *_of_counter("calls", llm.calls),
            *_of_counter("retries", llm.retries),
            *_of_counter("tokens", llm.tokens),
            *_of_times("call", llm.call_seconds),
            *_of_times("wait", engine.waited),
        )
    )


def _of_counter(name: str, counter: Counter) -> Iterator[tuple[str, int]]:
    for labels, count in counter.series.items():
        if count.value:
            yield f"{name}:{':'.join(labels)}", round(count.value)


def _of_times(name: str, histogram: Histogram) -> Iterator[tuple[str, int]]:
    """Of all series together."""
    every: list[Distribution] = list(histogram.series.values())
    for place, bound in enumerate(histogram.bounds):
        yield f"{name}_le:{bound}", sum(one.counts[place] for one in every)
    yield f"{name}_ms", round(1000 * sum(one.total for one in every))

"""Every metric that the services have, as their own instruments know it."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from common.connections import create_redis_link, create_redis_subscription
from common.telemetry.exporting import TraceMetrics
from common.telemetry.metrics import Histogram, Label
from common.telemetry.redis_metrics import RedisMetrics
from consumer.llm.metrics import LlmMetrics
from consumer.metrics import EngineMetrics
from producer_api.__main__ import kafka_link, ready_parts
from producer_api.settings import Settings

API, WORKER = "API", "worker"


class Instrument(NamedTuple):
    """A metric; `name` is as it is scraped, `buckets` are a histogram's bounds."""

    name: str
    kind: str
    meaning: str
    labels: tuple[Label, ...]
    buckets: tuple[str, ...]
    services: frozenset[str]

    @property
    def series(self) -> set[str]:
        """The names under which it is asked for."""
        if self.kind == "histogram":
            return {f"{self.name}_{suffix}" for suffix in ("bucket", "sum", "count")}
        return {self.name}


class _Recording(CollectorRegistry):
    """A registry that knows what was registered."""

    def __init__(self) -> None:
        super().__init__()
        self.registered: list[Collector] = []

    def register(self, collector: Collector) -> None:
        super().register(collector)
        self.registered.append(collector)


async def _of_api(registry: CollectorRegistry) -> None:
    settings = Settings()
    redis = create_redis_link(settings.redis, "docs", timed=RedisMetrics(registry).round_trips.observe)
    subscription = create_redis_subscription(settings.redis, "docs")
    ready_parts(settings, redis, subscription, kafka_link(settings), registry)
    TraceMetrics(registry)


def _of_worker(registry: CollectorRegistry) -> None:
    EngineMetrics(registry)
    LlmMetrics(registry)
    RedisMetrics(registry)
    TraceMetrics(registry)


def instruments() -> list[Instrument]:
    """All of them, each once, in the order in which the services make them."""
    api, worker = _Recording(), _Recording()
    asyncio.run(_of_api(api))
    _of_worker(worker)
    found: dict[str, Instrument] = {}
    for service, registry in ((API, api), (WORKER, worker)):
        for collector in registry.registered:
            for instrument in _described(collector, service):
                known = found.get(instrument.name, instrument)
                assert known._replace(services=instrument.services) == instrument, "two metrics of one name"
                found[instrument.name] = known._replace(services=known.services | {service})
    return list(found.values())


def _described(collector: Collector, service: str) -> Iterator[Instrument]:
    for family in collector.describe():  # type: ignore[attr-defined]  # a collector without it is one of the library's own
        yield Instrument(
            name=f"{family.name}_total" if family.type == "counter" else family.name,
            kind=family.type,
            meaning=family.documentation,
            labels=getattr(collector, "label_values", ()),
            buckets=tuple(collector.bounds) if isinstance(collector, Histogram) else (),
            services=frozenset({service}),
        )

"""Whether this process exports traces, and where to: decided by its settings, once."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from common.settings import TracingSettings
from common.telemetry.metrics import Counter, Label
from common.telemetry.tracing import Tracer

_PATH = "/v1/traces"


class TraceMetrics:
    """What became of spans; registered only where traces are exported."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._spans = Counter(
            "promptmill_trace_spans",
            "Where traces are sent: spans that ended, by their fate: exported, refused (the receiver did not take "
            "them, or could not be reached) or no_room (too many waited for it).",
            [Label("fate", ("exported", "refused", "no_room"))],
            registry=registry,
        )

    def exported(self, spans: int) -> None:
        """The receiver took them."""
        self._spans.labels("exported").inc(spans)

    def lost(self, spans: int, why: str) -> None:
        """They were given up."""
        self._spans.labels(why).inc(spans)


@asynccontextmanager
async def tracing(
    settings: TracingSettings, service: str, instance: str, registry: CollectorRegistry
) -> AsyncIterator[Tracer | None]:
    """The tracer of this process while the body runs; None, and not a line of the library read, where it has none.

    `service` and `instance` name the process in what it exports.
    """
    if settings.endpoint is None or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield None
        return
    # Read by those alone who want it.
    from common.telemetry.otlp import exporting_to  # noqa: PLC0415

    resource = {
        "service.namespace": "promptmill",
        "service.name": service,
        "service.version": version("promptmill"),
        "service.instance.id": instance,
    }
    async with exporting_to(
        receiver(settings.endpoint),
        settings.header_values,
        sample_ratio=settings.sample_ratio,
        resource=resource,
        counts=TraceMetrics(registry),
    ) as tracer:
        yield tracer


def receiver(endpoint: str) -> str:
    """The whole address that traces are sent to."""
    return endpoint if endpoint.endswith(_PATH) else endpoint.rstrip("/") + _PATH

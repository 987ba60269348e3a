"""Traces to a receiver of OTLP over HTTP. Imported only where there is one: see `common.telemetry.exporting`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from common.telemetry.span_queue import SpanCounts, SpanQueue
from common.telemetry.tracing import Attributes, Kind

_KINDS: Mapping[Kind, trace.SpanKind] = MappingProxyType({kind: trace.SpanKind[kind.name] for kind in Kind})
# Sampled, and that the trace's id is random; whatever else comes is not handed on.
_KNOWN_FLAGS = 0b11
_MOST_CHARACTERS = 200
# Longest time that one batch is tried for, and that the end of the process waits for the last ones.
_SEND_SECONDS = 5.0
_FLUSH_SECONDS = 5.0


class OtlpSpan:
    """A span of the library's, as `common.telemetry.tracing.Span` has it."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    @property
    def is_recorded(self) -> bool:
        """Whether anything of it is kept."""
        return self._span.is_recording()

    def add(self, attributes: Attributes) -> None:
        """Say more of it."""
        self._span.set_attributes(attributes)

    def name(self, name: str) -> None:
        """Name it anew."""
        self._span.update_name(name)

    def fail(self, error_type: str) -> None:
        """It failed by this."""
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(trace.StatusCode.ERROR)

    def end(self) -> None:
        """It has ended."""
        self._span.end()


class OtlpTracer:
    """The library's tracer, as `common.telemetry.tracing.Tracer` has it. It is nowhere kept globally."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def start(
        self,
        name: str,
        kind: Kind,
        *,
        parent: str | None = None,
        link: str | None = None,
        began_ns: int | None = None,
        attributes: Attributes | None = None,
    ) -> OtlpSpan:
        """A span that begins now, or began then."""
        # One of our own, never the current one of the library: nothing is current here.
        context = Context()
        if parent is not None:
            context = trace.set_span_in_context(trace.NonRecordingSpan(_context(parent)), context)
        links = None if link is None else [trace.Link(_context(link))]
        return OtlpSpan(
            self._tracer.start_span(name, context, _KINDS[kind], attributes, links=links, start_time=began_ns)
        )


def _context(traceparent: str) -> trace.SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    known = trace.TraceFlags(int(flags, 16) & _KNOWN_FLAGS)
    return trace.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=known)


@asynccontextmanager
async def exporting_to(
    url: str, headers: Mapping[str, str], *, sample_ratio: float, resource: Mapping[str, str], counts: SpanCounts
) -> AsyncIterator[OtlpTracer]:
    """A tracer whose spans go to `url` while the body runs, the last of them soon after.

    `sample_ratio` is the share of traces begun here that is recorded; of others it is decided where they begin.
    """
    exporter = OTLPSpanExporter(url, headers=dict(headers), timeout=_SEND_SECONDS, compression=Compression.Gzip)
    queue = SpanQueue(exporter, counts)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
        resource=Resource.create(dict(resource)),
        span_limits=SpanLimits(max_attribute_length=_MOST_CHARACTERS),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(queue)
    sending = asyncio.create_task(queue.run(), name="export traces")
    try:
        yield OtlpTracer(provider.get_tracer("promptmill"))
    finally:
        queue.finish()
        await asyncio.wait({sending}, timeout=_FLUSH_SECONDS)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        queue.close()

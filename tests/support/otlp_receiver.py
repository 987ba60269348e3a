"""A receiver of traces in the test's process: OTLP over HTTP, as a collector takes it."""

import gzip
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage, Status

from tests.support.waiting import until


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """One span. Ids are in hex as in a `traceparent`; times in Unix nanoseconds; `parent` is empty for a root."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Any]


class OtlpReceiver:
    """What came, as spans and as raw bytes; while `refusing` it answers 503."""

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.refusing = False
        self.refused = 0
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """POST /v1/traces."""
        content = await request.read()
        if self.refusing:
            self.refused += 1
            return web.Response(status=503)
        assert request.content_type == "application/x-protobuf"
        # The server's framework has unpacked it where it was packed.
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        self.raw.append(content)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        for resource in ExportTraceServiceRequest.FromString(content).resource_spans:
            service = {item.key: _value(item.value) for item in resource.resource.attributes}["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_received(str(service), span) for span in scope.spans]
        return web.Response(body=b"", content_type="application/x-protobuf")

    async def wait_for(self, enough: Callable[[list[ReceivedSpan]], object], what: str = "spans") -> list[ReceivedSpan]:
        """Wait until `enough` says so of all spans that came, and return them in the order in which they began.

        Raises:
            AssertionError: it did not, up to the deadline; it says what came.
        """
        try:
            await until(lambda: enough(self.spans), what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}; came: {[(span.service, span.name) for span in self.spans]}") from error
        return sorted(self.spans, key=lambda span: span.began)

    def traces(self) -> dict[str, list[ReceivedSpan]]:
        """The spans of each trace, in the order in which they began."""
        found = defaultdict(list)
        for span in sorted(self.spans, key=lambda span: span.began):
            found[span.trace].append(span)
        return dict(found)


def _received(service: str, span: SpanMessage) -> ReceivedSpan:
    return ReceivedSpan(
        service=service,
        name=span.name,
        kind=SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(link.span_id.hex() for link in span.links),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        attributes={item.key: _value(item.value) for item in span.attributes},
    )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)


@asynccontextmanager
async def receiving_traces() -> AsyncIterator[OtlpReceiver]:
    """A receiver on a free port of this machine while the body runs."""
    receiver = OtlpReceiver()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/traces", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        [address] = runner.addresses
        receiver.url = f"http://127.0.0.1:{address[1]}"
        yield receiver
    finally:
        await runner.cleanup()

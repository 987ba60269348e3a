import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry

from common.settings import TracingSettings
from common.telemetry.exporting import receiver, tracing
from common.telemetry.tracing import Kind, traceparent_in, valid_traceparent
from tests.support.otlp_receiver import receiving_traces

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SERVICES = ("producer_api.__main__", "consumer.app")


@pytest.mark.parametrize("module", SERVICES)
def test_the_tracing_library_is_not_read_by_a_service_without_a_receiver(module: str) -> None:
    # redis-py reads that library's part for metrics wherever it is installed.
    read = "[name for name in sys.modules if name.startswith(('opentelemetry.sdk.trace', 'opentelemetry.exporter'))]"
    program = f"import {module}, sys; print({read})"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert ended.stdout.strip() == "[]"


async def test_without_an_endpoint_there_is_no_tracer_and_no_metric() -> None:
    registry = CollectorRegistry()
    async with tracing(TracingSettings(), "service", "instance", registry) as tracer:
        assert tracer is None
    assert list(registry.collect()) == []


async def test_the_library_s_own_switch_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    settings = TracingSettings(endpoint="http://127.0.0.1:9")
    async with tracing(settings, "service", "instance", CollectorRegistry()) as tracer:
        assert tracer is None


@pytest.mark.parametrize("endpoint", ["http://here:4318", "http://here:4318/", "http://here:4318/v1/traces"])
def test_traces_have_their_own_path(endpoint: str) -> None:
    assert receiver(endpoint) == "http://here:4318/v1/traces"


async def test_a_span_is_exported_as_it_was_told() -> None:
    registry = CollectorRegistry()
    async with receiving_traces() as collector:
        settings = TracingSettings(endpoint=collector.url)
        async with tracing(settings, "promptmill-test", "one", registry) as tracer:
            assert tracer is not None
            span = tracer.start("first", Kind.CONSUMER, parent=PARENT, began_ns=1, attributes={"number": 3})
            span.name("second")
            span.add({"words": ["a", "b"], "long": "x" * 1000})
            span.fail("timeout")
            linked = tracer.start("third", Kind.CLIENT, link=span.traceparent)
            linked.end()
            span.end()
            tracer.start("never ended", Kind.CLIENT)
        [second, third] = sorted(collector.spans, key=lambda span: span.began)
    assert (second.name, second.kind, second.service, second.began) == ("second", "CONSUMER", "promptmill-test", 1)
    assert (second.trace, second.parent) == (PARENT[3:35], PARENT[36:52])
    assert second.attributes == {"number": 3, "words": ["a", "b"], "long": "x" * 200, "error.type": "timeout"}
    assert second.failed
    assert (third.links, third.parent, third.failed) == ((second.id,), "", False)
    assert third.trace != second.trace
    assert registry.get_sample_value("promptmill_trace_spans_total", {"fate": "exported"}) == 2


async def test_a_trace_is_recorded_as_its_beginning_says_and_else_by_the_share() -> None:
    async with receiving_traces() as collector:
        settings = TracingSettings(endpoint=collector.url, sample_ratio=0)
        async with tracing(settings, "promptmill-test", "one", CollectorRegistry()) as tracer:
            assert tracer is not None
            given = tracer.start("given", Kind.SERVER, parent=PARENT)
            own = tracer.start("own", Kind.SERVER)
            below = tracer.start("below", Kind.INTERNAL, parent=own.traceparent)
            assert [span.is_recorded for span in (given, own, below)] == [True, False, False]
            assert valid_traceparent(own.traceparent) == own.traceparent
            assert [int(span.traceparent[-2:], 16) & 1 for span in (given, own, below)] == [1, 0, 0]
            for span in (below, own, given):
                span.end()
        assert [span.name for span in collector.spans] == ["given"]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], None),
        ([("tenant", b"local"), ("traceparent", PARENT.encode())], PARENT),
        ([("traceparent", b"\xff\xfe")], None),
        ([("traceparent", None)], None),
    ],
)
def test_a_record_s_trace_is_read_from_its_headers_whatever_they_hold(
    headers: list[tuple[str, bytes]], found: str | None
) -> None:
    assert traceparent_in(headers) == found

import prometheus_client
import pytest
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from common.telemetry import metrics

LABELS = st.tuples(st.sampled_from(["a", 'b"\n']), st.sampled_from(["good", "bad"]))
# The client library's own, which say in addition when each series began.
TOLD_BY_THEIRS_ALONE = "_created"


def shown(registry: CollectorRegistry) -> list[str]:
    return [line for line in generate_latest(registry).decode().splitlines() if TOLD_BY_THEIRS_ALONE not in line]


@given(st.lists(st.tuples(LABELS, st.floats(0, 10))))
def test_they_show_what_the_client_library_s_own_would(events: list[tuple[tuple[str, str], float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    for registry, kinds in ((ours, metrics), (theirs, prometheus_client)):
        calls = kinds.Counter("calls", "Calls.", ["topic", "outcome"], registry=registry)
        plain = kinds.Counter("plain", "No labels.", registry=registry)
        seconds = kinds.Histogram("seconds", "Time.", ["topic", "outcome"], buckets=(0.5, 1, 2.5), registry=registry)
        bare = kinds.Histogram("bare", "No labels.", buckets=(1, 5), registry=registry)
        for labels, amount in events:
            calls.labels(*labels).inc()
            plain.inc(amount)
            seconds.labels(*labels).observe(amount)
            bare.observe(amount)
    assert shown(ours) == shown(theirs)


def test_a_bound_belongs_to_its_bucket() -> None:
    registry = CollectorRegistry()
    metrics.Histogram("seconds", "Time.", buckets=(1, 2), registry=registry).observe(1)
    assert registry.get_sample_value("seconds_bucket", {"le": "1.0"}) == 1


def test_no_two_share_a_name() -> None:
    registry = CollectorRegistry()
    metrics.Counter("calls", "Calls.", registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        metrics.Counter("calls", "Calls.", registry=registry)


def test_labels_come_in_their_number() -> None:
    counter = metrics.Counter("calls", "Calls.", ["topic"], registry=CollectorRegistry())
    with pytest.raises(ValueError, match="labels"):
        counter.labels("a", "b")
    with pytest.raises(ValueError, match="labels"):
        counter.labels()

from typing import Any

import prometheus_client
import pytest
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from common.telemetry import metrics

LABELS = st.tuples(st.sampled_from(["a", 'b"\n']), st.sampled_from(["good", "bad"]))
TOPIC = metrics.Label("topic", what="any", most=2)
OUTCOME = metrics.Label("outcome", ("good", "bad"))
# The client library's own, which say in addition when each series began.
TOLD_BY_THEIRS_ALONE = "_created"


def shown(registry: CollectorRegistry) -> list[str]:
    return [line for line in generate_latest(registry).decode().splitlines() if TOLD_BY_THEIRS_ALONE not in line]


@given(st.lists(st.tuples(LABELS, st.floats(0, 10))))
def test_they_show_what_the_client_library_s_own_would(events: list[tuple[tuple[str, str], float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    for registry, kinds in ((ours, metrics), (theirs, prometheus_client)):
        names: list[Any] = [TOPIC, OUTCOME] if kinds is metrics else ["topic", "outcome"]
        calls = kinds.Counter("calls", "Calls.", names, registry=registry)
        plain = kinds.Counter("plain", "No labels.", registry=registry)
        seconds = kinds.Histogram("seconds", "Time.", names, buckets=(0.5, 1, 2.5), registry=registry)
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
    counter = metrics.Counter("calls", "Calls.", [TOPIC], registry=CollectorRegistry())
    with pytest.raises(ValueError, match="labels"):
        counter.labels("a", "b")
    with pytest.raises(ValueError, match="labels"):
        counter.labels()


def test_a_word_that_a_label_does_not_know_counts_as_other() -> None:
    registry = CollectorRegistry()
    counter = metrics.Counter("calls", "Calls.", [OUTCOME], registry=registry)
    for number in range(100):
        counter.labels(f"word {number}").inc()
    counter.labels("good").inc()
    assert registry.get_sample_value("calls_total", {"outcome": "other"}) == 100
    assert set(counter.series) == {("other",), ("good",), ("bad",)}


def test_a_counter_of_known_words_shows_zeroes_before_the_first_time() -> None:
    registry = CollectorRegistry()
    metrics.Counter("calls", "Calls.", [OUTCOME], registry=registry)
    assert registry.get_sample_value("calls_total", {"outcome": "bad"}) == 0


def test_a_label_of_words_not_known_beforehand_has_no_more_of_them_than_it_may() -> None:
    counter = metrics.Counter("calls", "Calls.", [TOPIC, OUTCOME], registry=CollectorRegistry())
    for number in range(100):
        counter.labels(f"topic {number}", "good").inc()
        counter.labels("topic 1", "bad").inc()
    assert set(counter.series) == {
        ("topic 0", "good"),
        ("topic 1", "good"),
        ("topic 1", "bad"),
        ("other", "good"),
    }


def test_gauges_are_asked_for_when_they_are_collected_and_bounded_as_well() -> None:
    registry = CollectorRegistry()
    gauges = metrics.Gauges("lag", "Records.", TOPIC, registry=registry)
    assert registry.get_sample_value("lag", {"topic": "a"}) is None
    figures = {"a": 1.0, "b": 2.0, "c": 3.0}
    gauges.set_function(lambda: figures)
    figures["a"] = 5.0
    assert [registry.get_sample_value("lag", {"topic": name}) for name in figures] == [5.0, 2.0, None]

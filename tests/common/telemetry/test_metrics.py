from prometheus_client import CollectorRegistry

from common.telemetry.metrics import Counter, Histogram


def test_labels_that_were_seen_before_count_on_and_are_all_shown() -> None:
    registry = CollectorRegistry()
    counter = Counter("calls", "Calls.", ["topic", "outcome"], registry=registry)
    histogram = Histogram("seconds", "Time.", ["topic"], registry=registry, buckets=(1, 2))
    for topic, outcome in (("a", "good"), ("a", "bad"), ("a", "good")):
        counter.labels(topic, outcome).inc()
        histogram.labels(topic).observe(1.5)
    assert registry.get_sample_value("calls_total", {"topic": "a", "outcome": "good"}) == 2
    assert registry.get_sample_value("calls_total", {"topic": "a", "outcome": "bad"}) == 1
    assert registry.get_sample_value("seconds_bucket", {"topic": "a", "le": "2.0"}) == 3
    assert registry.get_sample_value("seconds_bucket", {"topic": "a", "le": "1.0"}) == 0

"""Every metric of a worker's engine, with its meaning. Labels are few and fixed: topics and words of ours."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge

from common.telemetry.metrics import Counter, Gauges, Histogram, Label

_TOPIC = Label("topic", what="topics of ours", most=8)
_WAIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43_200)
_WORK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
_ROUND_TRIP_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_WINDOW_BUCKETS = (0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000)


class EngineMetrics:
    """What the engine counts: records, slots, offsets, the group."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: Label) -> Counter:
            return Counter(f"promptmill_engine_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"promptmill_engine_{name}", text, registry=registry)

        self.delivered = counter("records_delivered", "Records taken from Kafka.", _TOPIC)
        self.finished = counter("records_finished", "Records whose offset is done.", _TOPIC)
        self.retried = counter("records_retried", "Times a record was put back to wait for another attempt.", _TOPIC)
        self.moved = counter("records_moved", "Waiting records of which a copy at the tail took the place.", _TOPIC)
        self.held = counter(
            "records_held",
            "Times a record was found to be not for this process.",
            _TOPIC,
            Label("reason", ("brake", "unknown_version")),
        )
        self.repeated = counter("records_repeated", "Records delivered again by Kafka and dropped at once.", _TOPIC)
        self.missing = counter("offsets_missing", "Offsets passed over because the broker no longer has them.", _TOPIC)
        self.handler_errors = counter("handler_errors", "Unexpected errors of ours while handling a record.", _TOPIC)
        self.given_up = counter("records_given_up", "Records dead-lettered after repeated errors of ours.", _TOPIC)
        self.published = counter("records_published", "Records written and acknowledged by Kafka.", _TOPIC)
        self.publish_errors = counter(
            "publish_errors",
            "Writes that failed: tried again, refused for the record's own fault, or not moved.",
            _TOPIC,
            Label("fate", ("retried", "refused", "not_moved")),
        )
        self.commits = counter(
            "commits",
            "Commits of offsets, by how they ended.",
            Label("result", ("committed", "dropped", "timed_out", "failed")),
        )
        self.rebalances = counter("rebalances", "Times the group gave out its partitions anew.")
        self.start_errors = counter("start_errors", "Attempts to reach Kafka at the start that failed.")
        self.poll_errors = counter("poll_errors", "Polls that ended in an error.")

        self.slots = gauge("slots", "Records that may be handled at once.")
        self.in_flight = gauge("records_in_flight", "Records being handled.")
        self.buffered = gauge("records_buffered", "Records fetched and ready for their first attempt.")
        self.waiting = gauge("records_waiting", "Records that wait for another attempt.")
        self.unpublished_bytes = gauge("unpublished_bytes", "Bytes of outcomes that Kafka has not acknowledged yet.")
        self.partitions = gauge("partitions", "Partitions assigned to this worker.")
        self.widest_window = gauge(
            "widest_window_offsets", "Offsets between the first unfinished and the last delivered one, at most."
        )

        self.waited = Histogram(
            "promptmill_engine_accept_to_start_seconds",
            "From a record's timestamp to its first attempt.",
            [_TOPIC],
            buckets=_WAIT_BUCKETS,
            registry=registry,
        )
        self.handled = Histogram(
            "promptmill_engine_handling_seconds",
            "Time in a slot, by the outcome.",
            [_TOPIC, Label("outcome", ("settled", "retryafter", "held", "error"))],
            buckets=_WORK_BUCKETS,
            registry=registry,
        )
        self.done = Histogram(
            "promptmill_engine_start_to_done_seconds",
            "From a record's first attempt here to its offset done: waits between attempts and publishing included.",
            [_TOPIC],
            buckets=_WAIT_BUCKETS,
            registry=registry,
        )
        self.kafka_seconds = Histogram(
            "promptmill_engine_kafka_seconds",
            "Time until Kafka answered: publish (a record acknowledged by all in-sync replicas), commit, or poll (one "
            "that brought records).",
            [Label("operation", ("publish", "commit", "poll"))],
            buckets=_ROUND_TRIP_BUCKETS,
            registry=registry,
        )
        self.windows = Histogram(
            "promptmill_engine_window_offsets",
            "Offsets between the first unfinished and the last delivered one of a partition, at each commit of it.",
            [_TOPIC],
            buckets=_WINDOW_BUCKETS,
            registry=registry,
        )
        self.lag = Gauges(
            "promptmill_engine_lag_records",
            "Records not committed yet of the partitions that this worker has, as far as Kafka told it of them.",
            _TOPIC,
            registry=registry,
        )

    def begin(self, topics: Iterable[str], dead_letter_topic: str) -> None:
        """Show zeroes for what is rare, so that a first time is an increase."""
        for topic in topics:
            for counter in (self.retried, self.moved, self.repeated, self.missing, self.handler_errors, self.given_up):
                counter.labels(topic)
            for fate in ("retried", "refused"):
                self.publish_errors.labels(topic, fate)
        self.published.labels(dead_letter_topic)

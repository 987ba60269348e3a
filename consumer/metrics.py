"""Every metric of a worker, with its meaning. Labels are few and fixed: topics and words of ours."""

from prometheus_client import CollectorRegistry, Gauge

from common.telemetry.metrics import Counter, Histogram

_WAIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43_200)
_WORK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)


class EngineMetrics:
    """What the engine counts: records, slots, offsets, the group."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"promptmill_engine_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"promptmill_engine_{name}", text, registry=registry)

        self.delivered = counter("records_delivered", "Records taken from Kafka.", "topic")
        self.finished = counter("records_finished", "Records whose offset is done.", "topic")
        self.retried = counter("records_retried", "Times a record was put back to wait for another attempt.", "topic")
        self.moved = counter("records_moved", "Waiting records of which a copy at the tail took the place.", "topic")
        self.held = counter("records_held", "Times a record was found to be not for this process.", "topic", "reason")
        self.repeated = counter("records_repeated", "Records delivered again by Kafka and dropped at once.", "topic")
        self.missing = counter("offsets_missing", "Offsets passed over because the broker no longer has them.", "topic")
        self.handler_errors = counter("handler_errors", "Unexpected errors of ours while handling a record.", "topic")
        self.given_up = counter("records_given_up", "Records dead-lettered after repeated errors of ours.", "topic")
        self.published = counter("records_published", "Records written and acknowledged by Kafka.", "topic")
        self.publish_errors = counter(
            "publish_errors",
            "Writes that failed: tried again, refused for the record's own fault, or not moved.",
            "topic",
            "fate",
        )
        self.commits = counter("commits", "Commits of offsets, by how they ended.", "result")
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
            ["topic"],
            buckets=_WAIT_BUCKETS,
            registry=registry,
        )
        self.handled = Histogram(
            "promptmill_engine_handling_seconds",
            "Time in a slot, by the outcome.",
            ["topic", "outcome"],
            buckets=_WORK_BUCKETS,
            registry=registry,
        )

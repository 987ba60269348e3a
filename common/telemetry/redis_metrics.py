"""What both services count of Redis."""

from prometheus_client import CollectorRegistry

from common.telemetry.metrics import Histogram

_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class RedisMetrics:
    """Registered in `registry` by its maker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.round_trips = Histogram(
            "promptmill_redis_round_trip_seconds",
            "From a write to Redis, which may hold many commands, to the last of their replies; of writes that overlap "
            "one at a time is measured.",
            buckets=_BUCKETS,
            registry=registry,
        )

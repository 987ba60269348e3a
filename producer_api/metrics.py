"""What the API counts. Labels are routes' templates, lanes and codes: never ids, never content."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from common.task import Lane, Status
from common.telemetry.metrics import Counter, Histogram, Label
from producer_api.budget import Budget
from producer_api.following import Following

_ROUTE = Label("route", what="templates of the API's routes, or `unmatched`", most=80)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other")
_METHOD = Label("method", _METHODS)
_LANE = Label("lane", tuple(lane.value for lane in Lane))
# As `producer_api.operator.redrive.Fate` has them.
LETTER_FATES = ("started", "again", "moved", "completed", "deleted", "unreadable", "missing", "too_large")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)


class Metrics:
    """Every instrument, registered in `registry` by its maker."""

    def __init__(self, registry: CollectorRegistry, budget: Budget, *, connected: Callable[[], bool]) -> None:
        self.http_requests = Counter(
            "promptmill_api_http_requests",
            "Requests answered, by route template, method and class of status; 0xx broke off before there was one.",
            (_ROUTE, _METHOD, Label("status_class", ("2xx", "3xx", "4xx", "5xx", "0xx"))),
            registry=registry,
        )
        self.http_seconds = Histogram(
            "promptmill_api_http_request_duration_seconds",
            "Time from a request's first byte to its answer's last.",
            (_ROUTE, _METHOD),
            registry=registry,
            buckets=_SECONDS,
        )
        self.prompts_accepted = Counter(
            "promptmill_api_prompts_accepted",
            "Prompts whose record every in-sync replica has, by lane.",
            (_LANE,),
            registry=registry,
        )
        self.prompts_unwritten = Counter(
            "promptmill_api_prompts_unwritten",
            "Prompts that Kafka did not acknowledge, by lane; their clients were told so.",
            (_LANE,),
            registry=registry,
        )
        self.tasks_ended = Counter(
            "promptmill_api_tasks_ended",
            "Runs that this API ended, by status: cancelled by their tenants, or found expired.",
            (Label("status", (Status.CANCELLED.value, Status.EXPIRED.value)),),
            registry=registry,
        )
        self.requests_refused = Counter(
            "promptmill_api_requests_refused",
            "Requests refused, by error code.",
            (Label("code", what="error codes of ours, as docs/api.md has them", most=80),),
            registry=registry,
        )
        self.idempotent_requests = Counter(
            "promptmill_api_idempotent_requests",
            "Submissions with an Idempotency-Key: first, repeated, resumed, superseded, in_use or reused.",
            (Label("result", ("first", "repeated", "resumed", "superseded", "in_use", "reused")),),
            registry=registry,
        )
        self.publish_seconds = Histogram(
            "promptmill_api_publish_duration_seconds",
            "Time until Kafka acknowledged all records of a request, or gave up.",
            registry=registry,
            buckets=_SECONDS,
        )
        self.accepts_delayed = Counter(
            "promptmill_api_accepts_delayed",
            "Accepted prompts that the store does not show until a worker claims them: Redis was lost in between.",
            registry=registry,
        )
        self.letters_redriven = Counter(
            "promptmill_api_letters_redriven",
            "Dead letters that an operator had redriven, by what became of each.",
            (Label("status", LETTER_FATES),),
            registry=registry,
        )
        self.bytes_in_flight = Gauge(
            "promptmill_api_in_flight_bytes",
            "Bytes of request bodies being read and of records not yet acknowledged.",
            registry=registry,
        )
        self.bytes_in_flight.set_function(lambda: budget.bytes_held)
        self.records_in_flight = Gauge(
            "promptmill_api_in_flight_records",
            "Records not yet acknowledged by Kafka.",
            registry=registry,
        )
        self.records_in_flight.set_function(lambda: budget.records_held)
        self.kafka_connected = Gauge(
            "promptmill_api_kafka_connected", "Whether records can be sent to Kafka: 1 or 0.", registry=registry
        )
        self.kafka_connected.set_function(connected)


class FollowingMetrics:
    """Those of requests that wait for tasks or follow them."""

    def __init__(self, registry: CollectorRegistry, following: Following) -> None:
        self.followers = Gauge(
            "promptmill_api_followers", "Requests that wait for tasks, or follow them.", registry=registry
        )
        self.followers.set_function(lambda: following.followers)
        self.followed_tasks = Gauge(
            "promptmill_api_followed_tasks",
            "Tasks that these follow, one for each request that follows it.",
            registry=registry,
        )
        self.followed_tasks.set_function(lambda: following.tasks_followed)
        self.hears_of_moves = Gauge(
            "promptmill_api_hears_of_moves", "Whether Redis tells this process of moves: 1 or 0.", registry=registry
        )
        self.hears_of_moves.set_function(lambda: following.is_up)
        self.dropped = Counter(
            "promptmill_api_followers_dropped",
            "Event streams that were ended before their tasks, by reason: the client may connect again.",
            (Label("reason", ("too_slow", "too_large", "stopping")),),
            registry=registry,
        )

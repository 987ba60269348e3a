"""The API process: settings, logs, clients, parts; then serve until told to end."""

import asyncio
import os
import random
import secrets
import signal
import socket
import sys
import time
from contextlib import AsyncExitStack
from functools import partial

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from common.connections import (
    create_admin,
    create_producer,
    create_reader,
    create_redis_link,
    create_redis_subscription,
)
from common.openai.native import NativeModels
from common.setting_loading import load_settings
from common.setting_sources import SettingsError
from common.store.attempts import PastAttempts
from common.store.ending import Endings
from common.store.forgetting import Forgotten
from common.store.idempotency import Idempotency
from common.store.index import TaskIndex
from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.marker import Marker, SharedLooks
from common.store.minutes import Minutes
from common.store.models import KnownModels
from common.store.moves import MoveChannel
from common.store.reading import TaskReader, ping
from common.store.redriving import Redriving
from common.store.submissions import Submissions
from common.store.subscription import Subscription
from common.store.texts import Texts
from common.store.workers import Workers
from common.task import Lane, Status, new_task_id
from common.telemetry.exporting import tracing
from common.telemetry.logging import configure_logging
from common.telemetry.operations import Operations, serving_operations
from common.telemetry.redis_metrics import RedisMetrics
from common.telemetry.tracing import Tracer
from common.topics import MAX_TASK_RECORD_BYTES, TopicNames, topic_specs
from producer_api.allowed_hosts import AllowedHosts
from producer_api.app import create_app
from producer_api.budget import Budget
from producer_api.following import Following
from producer_api.garbage import look_for_garbage_rarely
from producer_api.idempotency import IdempotentSubmission, lease_seconds
from producer_api.intake import Intake
from producer_api.kafka_link import KafkaLink
from producer_api.metrics import FollowingMetrics, Metrics
from producer_api.openai_compat.task_story import Stories
from producer_api.operator.letter_log import LetterLog, LogLimits
from producer_api.operator.monitoring import Monitoring
from producer_api.operator.redrive import Redrive
from producer_api.operator.retry import Retry
from producer_api.operator.topic_look import TopicLook
from producer_api.operator.watches import watches_of
from producer_api.partitioning import PartitionCursor
from producer_api.probes import Readiness, alive
from producer_api.publisher import Publisher
from producer_api.request_cache import RequestCache
from producer_api.request_log import FETCH_BYTES, RequestLog
from producer_api.serving import event_loop_factory, serving_api
from producer_api.settings import Settings
from producer_api.state import Parts
from producer_api.store_health import StoreHealth
from producer_api.submission import Submission
from producer_api.tasks.endings import TaskEndings
from producer_api.tasks.listing import Listing
from producer_api.tasks.lookup import Lookup
from producer_api.tasks.waiting import Waiting
from producer_api.tracing import RequestTraces

_SERVICE = "producer-api"
_TOKEN_BYTES = 16


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then take no more, finish what is under way, close.

    Raises:
        OSError: an address cannot be bound.
    """
    log = structlog.get_logger(__name__)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopping.set)

    registry = _registry()
    redis = create_redis_link(settings.redis, _SERVICE, timed=RedisMetrics(registry).round_trips.observe)
    link = kafka_link(settings)
    subscription = create_redis_subscription(settings.redis, f"{_SERVICE}-moves")
    api = settings.api
    async with AsyncExitStack() as stack:
        instance = f"{socket.gethostname()}-{os.getpid()}"
        tracer = await stack.enter_async_context(tracing(settings.tracing, _SERVICE, instance, registry))
        parts = ready_parts(settings, redis, subscription, link, registry, tracer=tracer)
        operations = Operations(liveness=alive, readiness=parts.readiness, registry=registry)
        stack.push_async_callback(redis.aclose)
        stack.push_async_callback(parts.request_log.aclose)
        operations_port = await stack.enter_async_context(
            serving_operations(operations, host=api.operations_host, port=api.operations_port)
        )
        keeping = asyncio.create_task(link.keep(), name="keep kafka connected")
        stack.push_async_callback(_ended, keeping)
        hearing = asyncio.create_task(parts.following.run(), name="hear of moves")
        stack.push_async_callback(_ended, hearing)
        taking_in = asyncio.create_task(parts.intake.run(), name="tell of accepted prompts")
        stack.push_async_callback(parts.intake.tell)
        stack.push_async_callback(_ended, taking_in)
        port = await stack.enter_async_context(
            serving_api(create_app(parts), host=api.host, port=api.port, drain_seconds=api.drain_timeout_seconds)
        )
        look_for_garbage_rarely()
        log.info("listening", host=api.host, port=port, operations_port=operations_port)
        await _first_of(stopping, keeping, hearing, taking_in)
        log.info("stopping")
        parts.readiness.stopping = True
        parts.following.stop()
        parts.watches.stop()
    log.info("stopped")


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def kafka_link(settings: Settings) -> KafkaLink:
    """What keeps a producer connected, as the settings have it; nothing is connected yet."""
    names = TopicNames(settings.kafka.topic_prefix)
    return KafkaLink(
        # Nobody gains by waiting: a client waits for its own prompts, and under load requests gather by themselves.
        create_producer=lambda: create_producer(
            settings.kafka, _SERVICE, max_record_bytes=MAX_TASK_RECORD_BYTES, linger_ms=0
        ),
        create_admin=lambda: create_admin(settings.kafka, _SERVICE),
        specs=topic_specs(settings.kafka, settings.tasks),
        topics=[names.tasks(lane) for lane in Lane],
        request_timeout_seconds=settings.kafka.request_timeout_seconds,
    )


def ready_parts(
    settings: Settings,
    redis: RedisLink,
    subscription: Subscription,
    link: KafkaLink,
    registry: CollectorRegistry,
    *,
    tracer: Tracer | None = None,
) -> Parts:
    """The parts that requests use, put together."""
    api, keys, ttl = settings.api, Keys(settings.redis.key_prefix), settings.tasks.result_ttl_seconds
    names = TopicNames(settings.kafka.topic_prefix)
    store_health = StoreHealth(partial(ping, redis), timeout_seconds=settings.redis.timeout_seconds)
    budget = Budget(max_bytes=api.max_bytes_in_flight, max_records=api.max_records_in_flight)
    following = Following(
        MoveChannel(subscription, keys), max_followers=api.max_followers, max_tasks=api.max_followed_tasks
    )
    metrics = Metrics(registry, budget, connected=lambda: link.hindrance is None)
    publisher = Publisher(
        link=link,
        topics={lane: names.tasks(lane) for lane in Lane},
        cursors={lane: PartitionCursor(random.randrange(2**16)) for lane in Lane},  # noqa: S311 - spreads, hides nothing
        timeout_seconds=api.publish_timeout_seconds,
    )
    index = TaskIndex(redis, keys, most=settings.tasks.max_listed, kept_seconds=settings.tasks.deadline_seconds + ttl)
    submissions = Submissions(redis, keys, result_ttl_seconds=ttl, index=index)
    submission = Submission(
        publisher=publisher,
        submissions=submissions,
        store_health=store_health,
        budget=budget,
        metrics=metrics,
        max_prompt_bytes=api.max_prompt_bytes,
        clock=time.time,
        new_task_id=new_task_id,
    )
    lease = lease_seconds(api.publish_timeout_seconds)
    idempotent_submission = IdempotentSubmission(
        submission=submission,
        publisher=publisher,
        submissions=submissions,
        idempotency=Idempotency(redis, keys, lease_seconds=lease, result_ttl_seconds=ttl),
        metrics=metrics,
        store_timeout_seconds=settings.redis.timeout_seconds,
        new_token=lambda: secrets.token_hex(8),
    )
    looks = SharedLooks(Marker(redis, keys))
    reader = TaskReader(redis, keys, result_ttl_seconds=ttl, on_expired=metrics.tasks_ended.labels(Status.EXPIRED).inc)
    lookup = Lookup(reader, looks, max_answer_bytes=api.max_answer_bytes)
    texts = Texts(redis, keys)
    endings = TaskEndings(
        lookup=lookup,
        endings=Endings(redis, keys, result_ttl_seconds=ttl),
        forgotten=Forgotten(redis, keys),
        clock=time.time,
        new_token=partial(secrets.token_urlsafe, _TOKEN_BYTES),
        ended=metrics.tasks_ended,
    )
    redriving = Redriving(redis, keys, result_ttl_seconds=ttl)
    redrive = Redrive(
        redriving=redriving,
        submissions=submissions,
        looks=looks,
        publisher=publisher,
        budget=budget,
        metrics=metrics,
        names=names,
        longest_seconds=settings.tasks.deadline_seconds,
        clock=time.time,
    )
    letter_log = LetterLog(
        create_reader=lambda: create_reader(settings.kafka, _SERVICE),
        partitions_of=link.partition_numbers,
        topic=names.dead_letters,
        limits=LogLimits(),
    )
    minutes = Minutes(redis, keys, process=process_name())
    topic_look = TopicLook(
        letter_log,
        create_admin=lambda: create_admin(settings.kafka, _SERVICE),
        topics=[spec.name for spec in topic_specs(settings.kafka, settings.tasks)],
        names=names,
        clock=time.monotonic,
    )
    monitoring = Monitoring(workers=Workers(redis, keys), minutes=minutes, topics=topic_look, now=time.time)
    return Parts(
        settings=api,
        allowed_hosts=AllowedHosts(api.allowed_hosts, listens_on=api.host),
        tasks=settings.tasks,
        submission=submission,
        idempotent_submission=idempotent_submission,
        lookup=lookup,
        intake=Intake(minutes, metrics, now=time.time),
        listing=Listing(index, reader, looks),
        texts=texts,
        following=following,
        following_metrics=FollowingMetrics(registry, following),
        waiting=Waiting(lookup, following, clock=time.monotonic, now=time.time),
        models=KnownModels(redis, keys),
        stories=Stories(lookup, texts, following, clock=time.monotonic, now=time.time),
        request_log=RequestLog(
            create_reader=lambda: create_reader(settings.kafka, f"{_SERVICE}-requests", fetch_bytes=FETCH_BYTES),
            names=names,
            cache=RequestCache(max_bytes=api.max_request_cache_bytes),
            seconds=settings.kafka.request_timeout_seconds,
        ),
        native_models=NativeModels(settings.responses.native_models),
        endings=endings,
        budget=budget,
        metrics=metrics,
        readiness=Readiness(link, store_health),
        traces=None if tracer is None else RequestTraces(tracer, {lane: names.tasks(lane) for lane in Lane}),
        letter_log=letter_log,
        redrive=redrive,
        topic_look=topic_look,
        retry=Retry(lookup=lookup, redriving=redriving, redrive=redrive, log=letter_log, names=names),
        past_attempts=PastAttempts(redis, keys),
        names=names,
        monitoring=monitoring,
        watches=watches_of(monitoring),
    )


def process_name() -> str:
    """A name that no other process has, or ever had."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


async def _first_of(stopping: asyncio.Event, *lasting: asyncio.Task[None]) -> None:
    """Return when the process is asked to stop; raises what ended one that is `lasting`, which ends by a bug only."""
    asked = asyncio.create_task(stopping.wait(), name="wait for a signal")
    try:
        await asyncio.wait((asked, *lasting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
    for one in lasting:
        if one.done():
            one.result()


async def _ended(lasting: asyncio.Task[None]) -> None:
    lasting.cancel()
    await asyncio.gather(lasting, return_exceptions=True)


def main() -> int:
    """Run the service; the exit status says whether it ended as asked."""
    try:
        settings = load_settings(Settings)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - logging is a setting too
        return 2
    configure_logging(settings.log, _SERVICE)
    try:
        with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
            runner.run(serve(settings))
    except OSError as error:
        structlog.get_logger(__name__).error("cannot listen", reason=error.strerror)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

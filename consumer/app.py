"""The worker's composition root: every part is made here, and ended here in the opposite order."""

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from redis.asyncio import Redis

from common.connections import create_group_consumer, create_producer, create_redis_link, create_redis_listener
from common.setting_names import variable_name
from common.store.cancellations import CancellationListener
from common.store.forgetting import Forgotten
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.link import RedisLink
from common.store.marker import Marker
from common.store.models import KnownModels
from common.store.reading import ping
from common.store.rebuild_lease import RebuildLease
from common.store.restoring import Restoring
from common.telemetry.exporting import tracing
from common.telemetry.operations import Operations, serving_operations
from common.telemetry.redis_metrics import RedisMetrics
from common.topics import MAX_RESULT_RECORD_BYTES, TopicNames
from consumer.assembly import (
    build_attempts,
    build_executor,
    build_heartbeat,
    build_model,
    build_store_pace,
    real_chance,
)
from consumer.engine.apart import publish_apart
from consumer.engine.engine import Engine
from consumer.engine.ports import CommitListener
from consumer.health import Health
from consumer.heartbeat import Heartbeat
from consumer.lifecycle import closed, running, stop_signal, stopped_before
from consumer.llm.brake import BrakePolicy
from consumer.llm.braking import Braking
from consumer.llm.cancellation_watch import CancellationWatch
from consumer.llm.executor import Executor
from consumer.llm.forgetter import Forgetter
from consumer.llm.kept_outcomes import KeptOutcomes
from consumer.llm.lease_keeper import LeaseKeeper
from consumer.llm.metrics import LlmMetrics
from consumer.llm.model_listing import ModelListing
from consumer.llm.model_server import create_model_server, nothing_carried
from consumer.llm.store_watch import StoreWatch
from consumer.llm.text_flow import TextFlows
from consumer.llm.tracing import carried_headers
from consumer.metrics import EngineMetrics
from consumer.rebuilding.clients import build_restoring, open_rebuild
from consumer.rebuilding.rebuilder import Rebuilder
from consumer.settings import Settings, WorkerSettings
from consumer.startup import StartError, prepare_kafka

# Somebody waits for an interactive task; a batch has hours.
_INTERACTIVE_WEIGHT, _BATCH_WEIGHT = 4, 1
# Nobody waits for a result's record: clients see the store's. A request for each is, at 200 tasks a second, a quarter
# of their CPU.
_LINGER_MS = 20
_TOKEN_BYTES = 16
_SERVICE = "consumer"


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then drain.

    Raises:
        EngineError: the engine cannot go on; the process should be replaced.
        StartError: the operations port cannot be bound.
    """
    stop = stop_signal()
    name = f"{socket.gethostname()}-{os.getpid()}"
    names = TopicNames(settings.kafka.topic_prefix)
    rng = random.Random()  # noqa: S311 - spreads retries; tokens come from `secrets`
    keys = Keys(settings.redis.key_prefix)
    registry = _registry()
    log = structlog.get_logger(__name__)
    engine_metrics = EngineMetrics(registry)
    async with AsyncExitStack() as parts:
        redis = create_redis_link(settings.redis, name, timed=RedisMetrics(registry).round_trips.observe)
        parts.push_async_callback(closed, "redis", redis.aclose)
        producer = create_producer(settings.kafka, name, max_record_bytes=MAX_RESULT_RECORD_BYTES, linger_ms=_LINGER_MS)
        parts.push_async_callback(closed, "producer", producer.stop)
        tracer = await parts.enter_async_context(tracing(settings.tracing, _SERVICE, name, registry))
        server = create_model_server(
            settings.llm,
            concurrency=settings.worker.concurrency,
            carried=nothing_carried if tracer is None else carried_headers,
        )
        parts.push_async_callback(closed, "model server", server.close)

        metrics = LlmMetrics(registry)
        leases = _leases(settings, redis, name)
        keeper = LeaseKeeper(leases, lease_seconds=settings.worker.lease_seconds, clock=time.monotonic, metrics=metrics)
        keeping = await parts.enter_async_context(running(keeper.run(), "renew leases"))
        restoring, marker = build_restoring(settings.tasks, redis, keys), Marker(redis, keys)
        kept = KeptOutcomes(restoring, clock=time.monotonic, metrics=metrics)
        watch = StoreWatch(
            marker,
            keeper,
            kept,
            lease_seconds=settings.worker.lease_seconds,
            clock=time.monotonic,
            metrics=metrics,
        )
        watching = await parts.enter_async_context(running(watch.run(), "watch the store"))
        health = Health(partial(ping, redis), lambda: not (keeping.done() or watching.done()), lambda: watch.is_whole)
        operations = Operations(health.liveness, health.readiness, registry)
        port = await parts.enter_async_context(_operations_port(operations, settings.worker))
        heartbeat = build_heartbeat(settings, redis, name, health=health, llm=metrics, engine=engine_metrics)
        await parts.enter_async_context(_beating(heartbeat))
        log.info("worker started", worker=name, operations_port=port, concurrency=settings.worker.concurrency)

        reached = prepare_kafka(
            settings.kafka, settings.tasks, producer, client_id=name, rng=rng, hindered_by=health.hindered_by
        )
        if await stopped_before(reached, stop):
            return
        forgetter = _forgetter(settings, redis, producer, names, rng)
        await parts.enter_async_context(running(forgetter.run(), "forget deleted results"))
        braking = Braking(
            BrakePolicy(
                window_seconds=settings.worker.brake_window_seconds,
                least_records=settings.worker.brake_records,
                probe_seconds=settings.worker.brake_probe_seconds,
            ),
            clock=time.monotonic,
            metrics=metrics,
        )
        listing = ModelListing(
            server,
            KnownModels(redis, keys),
            default_model=settings.llm.model,
            clock=time.monotonic,
            jitter=rng.random,
        )
        await parts.enter_async_context(running(listing.run(), "list models"))
        texts = TextFlows(leases, pace=build_store_pace(rng.random), clock=time.monotonic, metrics=metrics)
        await parts.enter_async_context(running(texts.run(), "tell streamed texts"))
        executor = build_executor(
            settings,
            redis=redis,
            leases=leases,
            keeper=keeper,
            watch=watch,
            kept=kept,
            model=build_model(settings, server, tracer),
            texts=texts,
            braking=braking,
            names=names,
            metrics=metrics,
            chance=real_chance(rng),
            attempts=build_attempts(tracer, group=names.llm_group, worker=name),
        )
        health.engine = engine = _engine(
            settings,
            producer=producer,
            executor=executor,
            on_committed=kept.committed,
            braking=braking,
            name=name,
            names=names,
            metrics=engine_metrics,
            rng=rng,
        )
        listener = create_redis_listener(settings.redis, f"{name}-cancellations")
        parts.push_async_callback(closed, "redis listener", listener.aclose)
        hearing = _cancellation_watch(settings, listener, keeper, engine, metrics=metrics, rng=rng)
        await parts.enter_async_context(running(hearing.run(), "hear of cancellations"))
        rebuilder = _rebuilder(settings, redis=redis, restoring=restoring, marker=marker, watch=watch, name=name)
        await parts.enter_async_context(running(rebuilder.run(), "rebuild the store"))
        await _work(engine, stop, settings.worker.drain_timeout_seconds)
    log.info("worker ended", worker=name)


@asynccontextmanager
async def _beating(heartbeat: Heartbeat) -> AsyncIterator[None]:
    """Beat while the body runs, and take leave behind it."""
    async with AsyncExitStack() as parts:
        parts.push_async_callback(closed, "heartbeat", heartbeat.leave)
        await parts.enter_async_context(running(heartbeat.run(), "beat"))
        yield


@asynccontextmanager
async def _operations_port(operations: Operations, worker: WorkerSettings) -> AsyncIterator[int]:
    host, port = worker.operations_host, worker.operations_port
    async with AsyncExitStack() as serving:
        try:
            bound = await serving.enter_async_context(serving_operations(operations, host=host, port=port))
        except OSError as error:
            name = variable_name("worker", "operations_port")
            reason = f"cannot listen on {host}:{port}: {error.strerror}"
            raise StartError(reason, mend=f"set {name} to a free one") from error
        yield bound


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def _leases(settings: Settings, redis: RedisLink, worker: str) -> Leases:
    return Leases(
        redis,
        Keys(settings.redis.key_prefix),
        worker=worker,
        lease_seconds=settings.worker.lease_seconds,
        result_ttl_seconds=settings.tasks.result_ttl_seconds,
        max_crashes=settings.tasks.max_crashes,
        default_model=settings.llm.model,
    )


def _cancellation_watch(
    settings: Settings, listener: Redis, keeper: LeaseKeeper, engine: Engine, *, metrics: LlmMetrics, rng: random.Random
) -> CancellationWatch:
    return CancellationWatch(
        CancellationListener(listener, Keys(settings.redis.key_prefix)),
        keeper,
        # A record's key is its task's id.
        hurry=lambda task_ids: engine.hurry(task_id.encode() for task_id in task_ids),
        pace=build_store_pace(rng.random),
        metrics=metrics,
    )


def _forgetter(
    settings: Settings, redis: RedisLink, producer: AIOKafkaProducer, names: TopicNames, rng: random.Random
) -> Forgetter:
    return Forgetter(
        Forgotten(redis, Keys(settings.redis.key_prefix)),
        partial(publish_apart, producer),
        names=names,
        # A result is published under a lease; a send begun at its end may take a request, its wait and its repeat.
        again_after_seconds=settings.worker.lease_seconds + 3 * settings.kafka.request_timeout_seconds,
        now=time.time,
        jitter=rng.random,
    )


def _engine(
    settings: Settings,
    *,
    producer: AIOKafkaProducer,
    executor: Executor,
    on_committed: CommitListener,
    braking: Braking,
    name: str,
    names: TopicNames,
    metrics: EngineMetrics,
    rng: random.Random,
) -> Engine:
    consumer = create_group_consumer(
        settings.kafka,
        name,
        names.llm_group,
        session_timeout_seconds=settings.worker.session_timeout_seconds,
    )
    return Engine(
        consumer=consumer,
        producer=producer,
        handler=executor,
        gate=braking,
        settings=settings.worker,
        lanes={names.interactive: _INTERACTIVE_WEIGHT, names.batch: _BATCH_WEIGHT},
        dead_letter_topic=names.dead_letters,
        metrics=metrics,
        rng=rng,
        on_committed=on_committed,
    )


def _rebuilder(
    settings: Settings, *, redis: RedisLink, restoring: Restoring, marker: Marker, watch: StoreWatch, name: str
) -> Rebuilder:
    lease_seconds = settings.worker.lease_seconds
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    return Rebuilder(
        watch=watch,
        marker=marker,
        lease=RebuildLease(redis, Keys(settings.redis.key_prefix), token=token, lease_seconds=lease_seconds),
        open_rebuild=partial(
            open_rebuild, settings.kafka, settings.tasks, restoring, client_id=name, lease_seconds=lease_seconds
        ),
        lease_seconds=lease_seconds,
    )


async def _work(engine: Engine, stop: asyncio.Event, drain_timeout_seconds: float) -> None:
    """Run the engine until it fails or is told to stop, and drain it either way."""
    async with running(engine.run(), "engine") as working, running(stop.wait(), "wait for a signal") as stopping:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await engine.drain(drain_timeout_seconds)
        if working.done():
            # Says so where the engine failed.
            working.result()

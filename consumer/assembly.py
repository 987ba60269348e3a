"""The llm role's parts, put together from what every worker has: nothing is opened here."""

import random
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from common.openai.native import NativeModels
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.link import RedisLink
from common.store.minutes import Minutes
from common.store.reading import TaskReader
from common.store.workers import Workers
from common.task import Status
from common.telemetry.tracing import Tracer
from common.topics import TopicNames
from consumer.health import Health
from consumer.heartbeat import Heartbeat
from consumer.llm.braking import Braking
from consumer.llm.chance import Chance
from consumer.llm.executor import Executor
from consumer.llm.kept_outcomes import KeptOutcomes
from consumer.llm.lease_keeper import LeaseKeeper
from consumer.llm.metrics import LlmMetrics
from consumer.llm.model_client import ModelClient
from consumer.llm.model_server import ModelServer
from consumer.llm.outcomes import Model
from consumer.llm.questions import Questions
from consumer.llm.recorder import Recorder
from consumer.llm.retry_budget import RetryBudget
from consumer.llm.retry_policy import RetryPolicy
from consumer.llm.store_pace import StorePace
from consumer.llm.store_watch import StoreWatch
from consumer.llm.text_flow import TextFlows
from consumer.llm.tracing import Attempts, TracedAttempts, TracedModel, UntracedAttempts
from consumer.metrics import EngineMetrics
from consumer.settings import Settings

_STORE_BASE_SECONDS, _STORE_CAP_SECONDS = 0.2, 3.0
_TOKEN_BYTES = 16


def real_chance(rng: random.Random) -> Chance:
    """The machine's clocks, and tokens of its best randomness; `rng` spreads retries."""
    return Chance(
        now=time.time,
        clock=time.monotonic,
        jitter=rng.random,
        new_token=partial(secrets.token_urlsafe, _TOKEN_BYTES),
    )


def build_store_pace(jitter: Callable[[], float]) -> StorePace:
    """How often an unanswered Redis is asked again; `jitter` gives even numbers in [0, 1)."""
    return StorePace(base_seconds=_STORE_BASE_SECONDS, cap_seconds=_STORE_CAP_SECONDS, jitter=jitter)


def build_model(settings: Settings, server: ModelServer, tracer: Tracer | None) -> Model:
    """What answers requests; its calls are traced where there is a tracer."""
    default, most_bytes = settings.llm.model, settings.tasks.max_result_bytes
    model = ModelClient(server, default_model=default, max_answer_bytes=most_bytes)
    if tracer is None:
        return model
    return TracedModel(model, tracer, base_url=settings.llm.base_url, default_model=default)


def build_attempts(tracer: Tracer | None, *, group: str, worker: str) -> Attempts:
    """What is told of attempts at tasks."""
    return UntracedAttempts() if tracer is None else TracedAttempts(tracer, group=group, worker=worker)


def build_executor(
    settings: Settings,
    *,
    redis: RedisLink,
    leases: Leases,
    keeper: LeaseKeeper,
    watch: StoreWatch,
    kept: KeptOutcomes,
    model: Model,
    texts: TextFlows,
    braking: Braking,
    names: TopicNames,
    metrics: LlmMetrics,
    chance: Chance,
    attempts: Attempts,
) -> Executor:
    """The handler of task records, with the parts that only it has."""
    pace = build_store_pace(chance.jitter)
    reader = TaskReader(
        redis,
        Keys(settings.redis.key_prefix),
        result_ttl_seconds=settings.tasks.result_ttl_seconds,
        now=chance.now,
        on_expired=metrics.outcomes.labels(Status.EXPIRED).inc,
    )
    recorder = Recorder(
        leases=leases,
        reader=reader,
        kept=kept,
        pace=pace,
        names=names,
        lease_seconds=settings.worker.lease_seconds,
        chance=chance,
        metrics=metrics,
    )
    policy = RetryPolicy(
        base_seconds=settings.llm.retry_base_seconds,
        cap_seconds=settings.llm.retry_cap_seconds,
        max_attempts=settings.tasks.max_attempts,
    )
    budget = RetryBudget(
        ratio=settings.llm.retry_budget_ratio,
        floor_per_second=settings.llm.retry_budget_per_second,
        cap_seconds=settings.llm.retry_cap_seconds,
        now=chance.clock(),
    )
    return Executor(
        leases=leases,
        keeper=keeper,
        watch=watch,
        reader=reader,
        model=model,
        questions=Questions(NativeModels(settings.responses.native_models), settings.llm.model),
        texts=texts,
        recorder=recorder,
        braking=braking,
        policy=policy,
        budget=budget,
        pace=pace,
        names=names,
        call_timeout_seconds=settings.llm.call_timeout_seconds,
        max_answer_bytes=settings.tasks.max_result_bytes,
        deadline_seconds=settings.tasks.deadline_seconds,
        chance=chance,
        metrics=metrics,
        attempts=attempts,
    )


def build_heartbeat(
    settings: Settings, redis: RedisLink, name: str, *, health: Health, llm: LlmMetrics, engine: EngineMetrics
) -> Heartbeat:
    """What says how this worker is."""
    keys = Keys(settings.redis.key_prefix)
    return Heartbeat(
        Workers(redis, keys),
        # A process id comes again.
        Minutes(redis, keys, process=f"{name}-{secrets.token_hex(4)}"),
        worker=name,
        host=socket.gethostname(),
        version=version("promptmill"),
        concurrency=settings.worker.concurrency,
        health=health,
        llm=llm,
        engine=engine,
    )

"""A worker as `consumer.app` makes it, on simulated Kafka and over a link to a real Valkey."""

import asyncio
import itertools
import random
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from prometheus_client import CollectorRegistry

from common.store.forgetting import Forgotten
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.marker import Marker
from common.store.restoring import Restoring
from common.topics import TopicNames
from consumer.app import _work
from consumer.assembly import build_executor, build_store_pace
from consumer.engine.apart import publish_apart
from consumer.engine.engine import Engine
from consumer.lifecycle import running
from consumer.llm.brake import BrakePolicy
from consumer.llm.braking import Braking
from consumer.llm.chance import Chance
from consumer.llm.forgetter import Forgetter
from consumer.llm.kept_outcomes import KeptOutcomes
from consumer.llm.lease_keeper import LeaseKeeper
from consumer.llm.metrics import LlmMetrics
from consumer.llm.store_watch import StoreWatch
from consumer.llm.text_flow import TextFlows
from consumer.llm.tracing import UntracedAttempts
from consumer.metrics import EngineMetrics
from consumer.settings import Settings
from tests.machine.calls import Calls, ScriptedModel
from tests.support.simulation.kafka_clients import SimulatedConsumer, SimulatedProducer
from tests.support.simulation.kafka_group import KafkaGroup
from tests.support.simulation.kafka_log import KafkaLog
from tests.support.simulation.link import Link, Way
from tests.support.simulation.process import Clock, Process
from tests.support.simulation.store_link import SimulatedStore, store_link

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

_DRAIN_SECONDS = 20.0


class Worker(Process):
    """One worker process."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        clock: Clock,
        *,
        log: KafkaLog,
        group: KafkaGroup,
        store: SimulatedStore,
        calls: Calls,
    ) -> None:
        super().__init__(clock)
        self.name = name
        self.names = TopicNames(settings.kafka.topic_prefix)
        self.kafka, self.redis = Link(), Link()
        self.draining = False
        self._stop = asyncio.Event()
        self._calls = calls
        self._settings = settings
        self._clock = clock
        self._log = log
        self._group = group
        self._store = store
        self._rng = random.Random(name)
        self._registry = CollectorRegistry()
        self._build()
        self.working = self.start(self._run())

    @property
    def is_disturbed(self) -> bool:
        """Whether it cannot do now as a healthy worker does: tell the store what it knows."""
        return self.dead or self.halted or self.redis.way is not Way.OPEN

    @property
    def error(self) -> BaseException | None:
        """What ended it, where that was not asked for."""
        if not self.working.done() or self.working.cancelled():
            return self.engine._failure
        return self.working.exception() or self.engine._failure

    @property
    def records_repeated(self) -> float:
        """Records that it was given again of a partition that it kept."""
        name = "promptmill_engine_records_repeated_total"
        return self._registry.get_sample_value(name, {"topic": self.names.interactive}) or 0.0

    def drain(self) -> None:
        """What SIGTERM does."""
        self.draining = True
        self._stop.set()

    def hear_of(self, task_id: str) -> None:
        """What an API's word on a task that was cancelled or deleted does."""
        self.keeper.heed([task_id])
        self.engine.hurry([task_id.encode()])

    def kill(self) -> None:
        """What SIGKILL does: it never runs again, and what it was about to send is not sent."""
        self.dead = True
        self.kafka.turn(Way.AWAY)
        self.redis.turn(Way.AWAY)

    def _build(self) -> None:
        settings, clock = self._settings, self._clock
        names, keys = self.names, Keys(settings.redis.key_prefix)
        lease_seconds, result_ttl_seconds = settings.worker.lease_seconds, settings.tasks.result_ttl_seconds
        redis = store_link(self._store, self.redis, self._rng.random)
        producer = cast("AIOKafkaProducer", SimulatedProducer(self._log, self.kafka))
        metrics, engine_metrics = LlmMetrics(self._registry), EngineMetrics(self._registry)
        numbers = itertools.count(1)
        chance = Chance(
            now=clock.wall,
            clock=clock.monotonic,
            jitter=self._rng.random,
            new_token=lambda: f"{self.name}-{next(numbers)}",
        )
        leases = Leases(
            redis,
            keys,
            worker=self.name,
            lease_seconds=lease_seconds,
            result_ttl_seconds=result_ttl_seconds,
            max_crashes=settings.tasks.max_crashes,
        )
        self.keeper = LeaseKeeper(leases, lease_seconds=lease_seconds, clock=clock.monotonic, metrics=metrics)
        kept = KeptOutcomes(
            Restoring(redis, keys, result_ttl_seconds=result_ttl_seconds), clock=clock.monotonic, metrics=metrics
        )
        self._watch = StoreWatch(
            Marker(redis, keys),
            self.keeper,
            kept,
            lease_seconds=lease_seconds,
            clock=clock.monotonic,
            metrics=metrics,
        )
        braking = Braking(
            BrakePolicy(
                window_seconds=settings.worker.brake_window_seconds,
                least_records=settings.worker.brake_records,
                probe_seconds=settings.worker.brake_probe_seconds,
            ),
            clock=clock.monotonic,
            metrics=metrics,
        )
        executor = build_executor(
            settings,
            redis=redis,
            leases=leases,
            keeper=self.keeper,
            watch=self._watch,
            kept=kept,
            model=ScriptedModel(self._calls, self),
            texts=TextFlows(leases, pace=build_store_pace(chance.jitter), clock=clock.monotonic, metrics=metrics),
            braking=braking,
            names=names,
            metrics=metrics,
            chance=chance,
            attempts=UntracedAttempts(),
        )
        self._forgetter = Forgetter(
            Forgotten(redis, keys),
            partial(publish_apart, producer),
            names=names,
            again_after_seconds=lease_seconds + 3 * settings.kafka.request_timeout_seconds,
            now=clock.wall,
            jitter=self._rng.random,
        )
        consumer = SimulatedConsumer(
            self._log, self._group, self.kafka, session_seconds=settings.worker.session_timeout_seconds
        )
        self.engine = Engine(
            consumer=cast("AIOKafkaConsumer", consumer),
            producer=producer,
            handler=executor,
            gate=braking,
            settings=settings.worker,
            lanes={names.interactive: 1},
            dead_letter_topic=names.dead_letters,
            metrics=engine_metrics,
            rng=self._rng,
            on_committed=kept.committed,
            clock=clock.monotonic,
            now=clock.wall,
        )

    async def _run(self) -> None:
        async with AsyncExitStack() as parts:
            background: dict[str, Any] = {
                "renew leases": self.keeper.run(),
                "watch the store": self._watch.run(),
                "forget deleted results": self._forgetter.run(),
            }
            for name, work in background.items():
                await parts.enter_async_context(running(work, name))
            await _work(self.engine, self._stop, _DRAIN_SECONDS)

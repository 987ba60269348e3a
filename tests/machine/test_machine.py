import logging
from collections.abc import Iterator, Sequence
from typing import TypeVar

import pytest
import redis
import structlog
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.machine.calls import FAULTS, Call
from tests.machine.world import World
from tests.support.backend import unique_prefix
from tests.support.simulation.link import Way

T = TypeVar("T")
PARTITIONS = st.integers(0, 1)
WHICH = st.integers(0, 7)
SERVERS = st.sampled_from(["redis", "kafka"])
WAYS = st.sampled_from(Way)
BAD_WAYS = [Way.SLOW, Way.LATE, Way.AWAY]
# A lease, and a session, last six.
LONG = st.sampled_from([2.0, 4.0, 7.0])
HOW = ["200", "200", *FAULTS]
_MOST_TASKS, _MOST_WORKERS = 8, 3
_GROUP_FORMS_SECONDS = 2.0
_DAY = 24 * 3600.0


def one_of(several: Sequence[T], which: int) -> T:
    return several[which % len(several)]


def none_of(found: Sequence[str]) -> None:
    assert not found, "\n".join(found)


class EngineOverStore(RuleBasedStateMachine):
    """Workers come, go and stumble over records, a store and a model that do as they please."""

    def __init__(self, valkey: redis.Redis) -> None:
        super().__init__()
        self._valkey = valkey
        self._opened: World | None = None

    @property
    def world(self) -> World:
        assert self._opened is not None
        return self._opened

    @initialize(
        seed=st.integers(0, 2**16), workers=st.integers(1, 2), partitions=st.lists(PARTITIONS, min_size=1, max_size=4)
    )
    def begin(self, seed: int, workers: int, partitions: list[int]) -> None:
        self._opened = World(self._valkey, unique_prefix(), seed)
        for partition in partitions:
            self.world.submit(partition, life_seconds=_DAY, accepted=True)
        for _ in range(workers):
            self.world.start_worker()
        self.world.advance(_GROUP_FORMS_SECONDS)

    def teardown(self) -> None:
        if self._opened is None:
            return
        try:
            if not self.world.witness.violations:
                self.world.settle()
                none_of(self.world.witness.violations)
                none_of(self.world.witness.unsettled(self.world.tasks))
        finally:
            self.world.close()

    @invariant()
    def nothing_is_broken(self) -> None:
        if self._opened is not None:
            none_of(self.world.witness.violations)

    # Clients and operators.

    @precondition(lambda self: len(self.world.tasks) < _MOST_TASKS)
    @rule(partition=PARTITIONS, life_seconds=st.sampled_from([_DAY, _DAY, 8.0]), accepted=st.booleans())
    def submit(self, partition: int, life_seconds: float, accepted: bool) -> None:  # noqa: FBT001 - a drawn value
        self.world.submit(partition, life_seconds=life_seconds, accepted=accepted)
        self.world.rest()

    @rule(which=WHICH, what=st.sampled_from(["accepted", "written again", "garbage"]), partition=PARTITIONS)
    def record_is(self, which: int, what: str, partition: int) -> None:
        match what:
            case "accepted" if self.world.unaccepted:
                self.world.accept(one_of(list(self.world.unaccepted), which))
            case "written again":
                self.world.write(one_of(list(self.world.tasks.values()), which), partition)
            case "garbage":
                self.world.write_garbage(partition)
        self.world.rest()

    @rule(which=WHICH, what=st.sampled_from(["cancelled", "deleted", "read", "redriven"]), told=st.booleans())
    def task_is(self, which: int, what: str, told: bool) -> None:  # noqa: FBT001 - a drawn value
        task_id = one_of(list(self.world.tasks), which)
        match what:
            case "cancelled":
                self.world.cancel(task_id, told=told)
            case "deleted":
                self.world.delete(task_id, told=told)
            case "redriven":
                self.world.redrive(task_id)
            case "read":
                self.world.read()
        self.world.rest()

    @precondition(lambda self: not self.world.alive)
    @rule()
    def offsets_are_reset(self) -> None:
        self.world.reset_offsets()

    # The model, and time.

    @precondition(lambda self: self.world.calls.open)
    @rule(which=WHICH, how=st.sampled_from(HOW))
    def call_ends(self, which: int, how: str) -> None:
        self.answer(one_of(self.world.calls.open, which), how)
        self.world.rest()

    def answer(self, call: Call, how: str) -> None:
        self.world.answer(call, self.world.calls.answered() if how == "200" else FAULTS[how])

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.0]))
    def a_moment_passes(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule(seconds=LONG)
    def time_passes(self, seconds: float) -> None:
        self.world.advance(seconds)

    # Workers.

    @precondition(lambda self: len(self.world.alive) < _MOST_WORKERS)
    @rule()
    def worker_starts(self) -> None:
        self.world.start_worker()
        self.world.rest()

    @precondition(lambda self: self.world.alive)
    @rule(which=WHICH)
    def worker_is_killed(self, which: int) -> None:
        one_of(self.world.alive, which).kill()
        self.world.rest()

    @precondition(lambda self: self.world.running)
    @rule(which=WHICH)
    def worker_is_told_to_end(self, which: int) -> None:
        one_of(self.world.running, which).drain()
        self.world.rest()

    @precondition(lambda self: self.world.alive)
    @rule(which=WHICH)
    def worker_is_halted_or_goes_on(self, which: int) -> None:
        worker = one_of(self.world.alive, which)
        worker.halted = not worker.halted
        self.world.rest()

    @precondition(lambda self: self.world.running)
    @rule(which=WHICH, seconds=LONG)
    def worker_stalls(self, which: int, seconds: float) -> None:
        worker = one_of(self.world.running, which)
        worker.halted = True
        self.world.advance(seconds)
        worker.halted = False
        self.world.rest()

    # The network.

    @precondition(lambda self: self.world.running)
    @rule(which=WHICH, server=SERVERS, way=st.sampled_from(BAD_WAYS), how=st.sampled_from(HOW), seconds=LONG)
    def call_ends_in_an_outage(self, which: int, server: str, way: Way, how: str, seconds: float) -> None:
        worker = one_of(self.world.running, which)
        getattr(worker, server).turn(way)
        for call in self.world.calls.open:
            if call.worker is worker:
                self.answer(call, how)
        self.world.advance(seconds)
        getattr(worker, server).turn(Way.OPEN)
        self.world.rest()

    @precondition(lambda self: self.world.alive)
    @rule(which=WHICH, server=SERVERS, way=WAYS)
    def link_is(self, which: int, server: str, way: Way) -> None:
        getattr(one_of(self.world.alive, which), server).turn(way)
        self.world.rest()

    @rule(server=SERVERS, way=WAYS)
    def server_is(self, server: str, way: Way) -> None:
        for worker in self.world.alive:
            getattr(worker, server).turn(way)
        self.world.rest()


@pytest.fixture
def _quiet() -> Iterator[None]:
    """No log: the machine's workers say thousands of lines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


# Two thousand examples, or a busy machine, take their time.
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("_quiet")
def test_nothing_is_lost_and_nothing_paid_for_twice_whatever_the_order_of_events(redis_url: str) -> None:
    valkey = redis.Redis.from_url(redis_url)

    def machine() -> EngineOverStore:
        return EngineOverStore(valkey)

    run_state_machine_as_test(machine, settings=settings(stateful_step_count=30))  # type: ignore[arg-type] # any factory
    valkey.close()

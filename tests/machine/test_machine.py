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

from tests.machine.calls import FAULTS
from tests.machine.world import World
from tests.support.backend import unique_prefix

T = TypeVar("T")
PARTITIONS = st.sampled_from([0, 1])
WHICH = st.integers(0, 7)
_MOST_TASKS, _MOST_WORKERS = 8, 3
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

    @initialize(seed=st.integers(0, 2**16), partitions=st.lists(PARTITIONS, min_size=1, max_size=4))
    def begin(self, seed: int, partitions: list[int]) -> None:
        self._opened = World(self._valkey, unique_prefix(), seed)
        for partition in partitions:
            self.world.submit(partition, life_seconds=_DAY, accepted=True)
        self.world.start_worker()
        self.world.rest()

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

    @precondition(lambda self: len(self.world.tasks) < _MOST_TASKS)
    @rule(partition=PARTITIONS, life_seconds=st.sampled_from([_DAY, _DAY, 8.0]), accepted=st.booleans())
    def submit(self, partition: int, life_seconds: float, accepted: bool) -> None:  # noqa: FBT001 - a drawn value
        self.world.submit(partition, life_seconds=life_seconds, accepted=accepted)
        self.world.rest()

    @precondition(lambda self: self.world.calls.open)
    @rule(which=WHICH, how=st.sampled_from(["200", "200", *FAULTS]))
    def call_ends(self, which: int, how: str) -> None:
        call = one_of(self.world.calls.open, which)
        self.world.answer(call, self.world.calls.answered() if how == "200" else FAULTS[how])
        self.world.rest()

    @rule(seconds=st.sampled_from([0.2, 1.0, 2.0, 4.0, 7.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.advance(seconds)

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


@pytest.fixture
def _quiet() -> Iterator[None]:
    """No log: the machine's workers say thousands of lines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("_quiet")
def test_nothing_is_lost_and_nothing_paid_for_twice_whatever_the_order_of_events(redis_url: str) -> None:
    valkey = redis.Redis.from_url(redis_url)

    def machine() -> EngineOverStore:
        return EngineOverStore(valkey)

    run_state_machine_as_test(machine, settings=settings(stateful_step_count=30))  # type: ignore[arg-type] # any factory
    valkey.close()

"""Outcomes are kept as long as they may be needed, and no more of them than there is room for."""

import pytest
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry

from common.store.restoring import Outcome, Restoring
from common.task import Lane, Status
from consumer.llm.kept_outcomes import KeptOutcomes, Place
from consumer.llm.metrics import LlmMetrics
from tests.consumer.llm.harness import DAY, Scene, a_task


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def an_outcome(*, task_id: str = "", size: int = 10) -> Outcome:
    task = a_task()
    return Outcome(
        task_id=task_id or task.task_id,
        run=1,
        tenant="local",
        lane=Lane.INTERACTIVE,
        status=Status.COMPLETED,
        created_at=task.created_at,
        expires_at=task.expires_at,
        finished_at=task.created_at,
        attempts=1,
        value=b"x" * size,
        token="t",
    )


def keeper_of(restoring: Restoring, clock: Clock, **bounds: int) -> KeptOutcomes:
    return KeptOutcomes(restoring, clock=clock, metrics=LlmMetrics(CollectorRegistry()), **bounds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def restoring(scene: Scene) -> Restoring:
    return Restoring(scene.redis.link, scene.keys, result_ttl_seconds=DAY)


def test_an_outcome_is_kept_until_its_offset_is_committed_and_ten_seconds(restoring: Restoring, clock: Clock) -> None:
    kept = keeper_of(restoring, clock)
    kept.keep(("t", 0, 5), an_outcome(), epoch=0)
    kept.keep(("t", 0, 6), an_outcome(), epoch=0)
    kept.keep(("t", 1, 5), an_outcome(), epoch=0)
    kept.committed("t", 0, 6)
    assert len(kept) == 3
    clock.now = 10
    kept.committed("t", 0, 6)
    assert len(kept) == 2
    kept.committed("t", 0, 7)
    kept.committed("t", 1, 6)
    assert (len(kept), kept._bytes) == (0, 0)


def test_beyond_a_bound_the_oldest_go_and_committed_ones_first(restoring: Restoring, clock: Clock) -> None:
    kept = keeper_of(restoring, clock, max_outcomes=2, max_bytes=1_000)
    for offset in range(3):
        kept.keep(("t", 0, offset), an_outcome(), epoch=0)
    kept.doubt()
    assert [place[2] for place in kept._kept] == [1, 2]
    kept.keep(("t", 1, 0), an_outcome(size=995), epoch=1)
    assert list(kept._kept) == [("t", 1, 0)]
    kept.keep(("t", 1, 1), an_outcome(size=5), epoch=1)
    kept.committed("t", 1, 2)
    kept.keep(("t", 0, 9), an_outcome(size=5), epoch=1)
    assert ("t", 0, 9) in kept._kept
    assert ("t", 1, 0) not in kept._kept


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("keep"), st.integers(0, 1), st.integers(0, 9), st.integers(1, 400)),
            st.tuples(st.just("commit"), st.integers(0, 1), st.integers(0, 10), st.just(0)),
            st.tuples(st.just("wait"), st.just(0), st.integers(0, 12), st.just(0)),
            st.tuples(st.just("doubt"), st.just(0), st.just(0), st.just(0)),
        )
    )
)
def test_whatever_happens_the_bounds_hold_and_the_books_agree(steps: list[tuple[str, int, int, int]]) -> None:
    clock = Clock()
    kept = keeper_of(None, clock, max_outcomes=5, max_bytes=1_000)  # type: ignore[arg-type]  # nothing is written
    for move, partition, number, size in steps:
        match move:
            case "keep":
                place: Place = ("t", partition, number)
                kept.keep(place, an_outcome(task_id="a", size=size), epoch=kept.epoch)
            case "commit":
                kept.committed("t", partition, number)
            case "wait":
                clock.now += number
            case "doubt":
                kept.doubt()
        assert len(kept) <= 5
        assert kept._bytes == sum(len(entry.outcome.value) for entry in kept._kept.values()) <= 1_000
        uncommitted = {place for places in kept._uncommitted.values() for place in places}
        assert uncommitted | set(kept._committed) == set(kept._kept)
        assert not uncommitted & set(kept._committed)
        assert set(kept._unsure) <= set(kept._kept)
        assert all(kept._uncommitted.values())


async def test_what_was_being_recorded_while_the_store_was_lost_is_written_back_too(
    scene: Scene, restoring: Restoring, clock: Clock
) -> None:
    kept = keeper_of(restoring, clock)
    before, during = a_task(), a_task()
    kept.keep(("t", 0, 0), an_outcome(task_id=before.task_id), epoch=0)
    kept.doubt()
    await kept.write_back()
    assert not kept._unsure
    kept.keep(("t", 0, 1), an_outcome(task_id=during.task_id), epoch=0)
    assert list(kept._unsure) == [("t", 0, 1)]
    await kept.write_back()
    assert [(await scene.state(task)).status for task in (before, during)] == [Status.COMPLETED] * 2

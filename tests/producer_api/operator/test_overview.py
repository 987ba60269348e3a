from typing import Any

from common.store.workers import SeenWorker
from producer_api.operator.monitoring_schemas import OverviewView, WorkerView
from producer_api.operator.overview import overview_view, worker_view


def a_worker(name: str, *, age_seconds: float = 1.0, **changes: Any) -> SeenWorker:
    report = {
        "version": "1.2",
        "host": "here",
        "started_at": 1_790_000_000.5,
        "concurrency": 4,
        "in_flight": 3,
        "buffered": 9,
        "waiting": 1,
        "leases": 3,
        "widest_window": 12,
        "brake_on": False,
        "hindrances": [],
        "partitions": [{"topic": "t", "partition": 0, "position": 5, "committed": 4, "end": 9, "lag": 5}],
        "totals": {"tasks:completed": 5, "calls:answered": 6, "call_le:0.1": 6, "call_ms": 300},
    }
    return SeenWorker(name, age_seconds, {**report, **changes})


def test_workers_are_counted_by_how_they_are_and_summed_where_they_speak() -> None:
    workers = [
        a_worker("one"),
        a_worker("two", hindrances=["draining"], brake_on=True, in_flight=1),
        a_worker("dead", age_seconds=30),
    ]
    view = OverviewView.model_validate(overview_view(workers, [], {"interactive": 7}))
    together = view.workers
    assert (together.working, together.hindered, together.silent, together.braked) == (1, 1, 1, 1)
    assert (together.slots, together.in_flight, together.buffered) == (8, 4, 18)
    assert view.backlog == {"interactive": 7}


def test_minutes_are_shown_each_and_together() -> None:
    minutes = [
        (
            100,
            {"accepted": 2, "tasks:failed": 1, "calls:timeout": 3, "tokens:input": 7, "call_le:1.0": 4, "call_ms": 9},
        ),
        (101, {}),
        (102, {"accepted": 1, "tasks:failed": 2}),
    ]
    view = OverviewView.model_validate(overview_view([], minutes, None))
    assert [minute.at for minute in view.minutes] == [6000, 6060, 6120]
    assert [minute.accepted for minute in view.minutes] == [2, 0, 1]
    assert view.minutes[0].calls == {"timeout": 3}
    assert view.minutes[1].tasks == {"completed": 0, "failed": 0, "cancelled": 0, "expired": 0}
    assert (view.window.minutes, view.window.accepted, view.window.tasks["failed"]) == (3, 3, 3)
    assert (view.window.tokens, view.window.call_seconds.count) == ({"input": 7, "output": 0}, 4)
    assert view.backlog is None


def test_a_worker_is_shown_with_its_sums_and_what_a_newer_one_says_besides() -> None:
    view = worker_view(a_worker("one", age_seconds=0.5, mood="fine"))
    assert view["mood"] == "fine"
    assert "totals" not in view
    shown = WorkerView.model_validate(view)
    assert (shown.state, shown.heartbeat_age_seconds, shown.tasks["completed"]) == ("working", 0.5, 5)
    assert (shown.partitions[0].lag, shown.call_seconds.mean) == (5, 0.05)


def test_what_an_older_worker_does_not_say_is_taken_for_nothing() -> None:
    view = overview_view([SeenWorker("old", 1.0, {})], [], None)
    assert (view["workers"]["working"], view["workers"]["slots"]) == (1, 0)

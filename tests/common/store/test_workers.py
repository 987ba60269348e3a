from dataclasses import replace

from common.store.workers import MOST_WORKERS, HeldPartition, WorkerReport, Workers
from tests.common.store.conftest import Store

REPORT = WorkerReport(
    version="1.2",
    host="here",
    started_at=1_790_000_000.25,
    concurrency=4,
    in_flight=3,
    buffered=9,
    waiting=1,
    leases=3,
    widest_window=12,
    brake_on=False,
    hindrances=(),
    partitions=(HeldPartition("tasks", 3, 20, 17, 25), HeldPartition("tasks", 4, None, None, None)),
    totals={"tasks:completed": 5},
)


async def silence(store: Store, worker: str, *, seconds: float) -> None:
    """Let the worker's last word be so old."""
    [beat_at] = await store.redis.hmget(store.keys.worker(worker), "beat_at")
    older = int(beat_at or 0) - round(seconds * 1000)
    await store.redis.hset(store.keys.worker(worker), "beat_at", str(older))
    await store.redis.zadd(store.keys.workers, {worker: older})


async def test_workers_are_seen_as_they_last_said(store: Store) -> None:
    workers = Workers(store.redis.link, store.keys)
    assert await workers.all() == []
    await workers.beat("b", REPORT)
    await workers.beat("a", REPORT)
    await workers.beat("a", replace(REPORT, in_flight=0, hindrances=("draining",)))
    first, second = await workers.all()
    assert [seen.worker for seen in (first, second)] == ["a", "b"]
    assert (first.report["in_flight"], first.report["hindrances"]) == (0, ["draining"])
    assert second.report["totals"] == {"tasks:completed": 5}
    assert second.report["partitions"] == [
        {"topic": "tasks", "partition": 3, "position": 20, "committed": 17, "end": 25, "lag": 8},
        {"topic": "tasks", "partition": 4, "position": None, "committed": None, "end": None, "lag": None},
    ]
    assert not second.is_silent


async def test_a_silent_worker_is_shown_as_one_then_forgotten(store: Store) -> None:
    workers = Workers(store.redis.link, store.keys)
    for name in ("dead", "alive"):
        await workers.beat(name, REPORT)
    await silence(store, "dead", seconds=20)
    alive, dead = await workers.all()
    assert (alive.is_silent, dead.is_silent) == (False, True)
    assert 20 <= dead.age_seconds < 60
    await silence(store, "dead", seconds=60)
    await workers.beat("alive", REPORT)
    assert await store.redis.zrange(store.keys.workers, 0, -1) == [b"alive"]


async def test_a_worker_whose_report_has_passed_its_time_is_left_out(store: Store) -> None:
    workers = Workers(store.redis.link, store.keys)
    await workers.beat("a", REPORT)
    await store.redis.delete(store.keys.worker("a"))
    assert await workers.all() == []


async def test_a_worker_that_leaves_is_not_looked_for(store: Store) -> None:
    workers = Workers(store.redis.link, store.keys)
    await workers.beat("a", REPORT)
    await workers.leave("a")
    assert await workers.all() == []
    assert await store.redis.exists(store.keys.worker("a"), store.keys.workers) == 0


async def test_everything_of_a_worker_expires(store: Store) -> None:
    await Workers(store.redis.link, store.keys).beat("a", REPORT)
    for key in (store.keys.worker("a"), store.keys.workers):
        assert 0 < await store.redis.pttl(key) <= 60_000


async def test_no_more_workers_are_named_than_may(store: Store) -> None:
    await store.redis.zadd(store.keys.workers, {f"w{number}": 10**15 + number for number in range(MOST_WORKERS)})
    await Workers(store.redis.link, store.keys).beat("a", REPORT)
    assert await store.redis.zcard(store.keys.workers) == MOST_WORKERS

import time

import pytest

from common.store.claims import Claimed, Skip
from common.store.idempotency import (
    BeginReply,
    Conclusion,
    Done,
    Idempotency,
    InUse,
    Publishing,
    RepeatableRequest,
    Reused,
    Stamp,
    Unbegun,
)
from common.store.submissions import Written
from common.task import new_task_id
from tests.common.store.conftest import DAY, Store
from tests.common.store.test_moves import a_task
from tests.support.waiting import until

HOUR = 3600.0
LEASE = 30.0
REQUEST = RepeatableRequest("local", "order 66", b"one")
OTHER = RepeatableRequest("local", "order 66", b"another")


def a_stamp(prompts: int = 2, window: float = HOUR) -> Stamp:
    now = round(time.time(), 3)
    return Stamp([new_task_id() for _ in range(prompts)], now, round(now + window, 3))


@pytest.fixture
def idempotency(store: Store) -> Idempotency:
    return Idempotency(store.redis.link, store.keys, lease_seconds=LEASE, result_ttl_seconds=DAY)


@pytest.fixture
def brief(store: Store) -> Idempotency:
    """The same, with leases that lapse at once."""
    return Idempotency(store.redis.link, store.keys, lease_seconds=0.001, result_ttl_seconds=DAY)


def published(reply: BeginReply) -> Publishing:
    assert isinstance(reply, Publishing)
    return reply


async def taken_over(idempotency: Idempotency, request: RepeatableRequest = REQUEST) -> Publishing:
    """Begin once the lease of whoever began before has lapsed."""

    async def begun() -> Publishing | None:
        reply = await idempotency.begin(request, a_stamp(), token="second")
        return reply if isinstance(reply, Publishing) else None

    reply = await until(begun, what="the lease to lapse")
    assert reply is not None
    return reply


async def test_the_first_to_begin_writes_its_own_ids_and_a_repeat_is_answered_alike(idempotency: Idempotency) -> None:
    stamp = a_stamp(3)
    first = await idempotency.begin(REQUEST, stamp, token="a")
    assert first == Publishing(stamp, "a", 1)
    assert await idempotency.begin(REQUEST, stamp, token="a") == first


async def test_while_one_writes_another_learns_for_how_long(idempotency: Idempotency) -> None:
    await idempotency.begin(REQUEST, a_stamp(), token="a")
    reply = await idempotency.begin(REQUEST, a_stamp(), token="b")
    assert isinstance(reply, InUse)
    assert LEASE - 20 < reply.for_seconds <= LEASE


async def test_what_is_done_is_answered_with_its_ids_and_outcome(idempotency: Idempotency) -> None:
    stamp = a_stamp()
    first = published(await idempotency.begin(REQUEST, stamp, token="a"))
    assert await idempotency.conclude(REQUEST, first, Conclusion.DONE, b"qu")
    assert await idempotency.conclude(REQUEST, first, Conclusion.DONE, b"qu")
    for may_begin in (True, False):
        reply = await idempotency.begin(REQUEST, a_stamp(), token="b", may_begin=may_begin)
        assert reply == Done(stamp.task_ids, b"qu")


async def test_a_lapsed_lease_passes_the_same_ids_and_times_on(brief: Idempotency) -> None:
    stamp = a_stamp()
    first = published(await brief.begin(REQUEST, stamp, token="a"))
    assert await taken_over(brief) == Publishing(stamp, "second", 2)
    assert not await brief.conclude(REQUEST, first, Conclusion.DONE, b"qq")


async def test_a_refused_request_is_begun_again_with_the_same_ids(idempotency: Idempotency) -> None:
    stamp = a_stamp()
    first = published(await idempotency.begin(REQUEST, stamp, token="a"))
    await idempotency.conclude(REQUEST, first, Conclusion.REFUSED, b"uu")
    assert await idempotency.begin(REQUEST, a_stamp(), token="b") == Publishing(stamp, "b", 2)


async def test_only_a_clear_refusal_lets_other_content_begin_and_that_is_anew(
    idempotency: Idempotency, brief: Idempotency
) -> None:
    first = published(await brief.begin(REQUEST, a_stamp(), token="a"))
    assert await brief.begin(OTHER, a_stamp(), token="b") == Reused()
    again = await taken_over(idempotency)
    assert await idempotency.begin(OTHER, a_stamp(), token="b") == Reused()
    await idempotency.conclude(REQUEST, again, Conclusion.REFUSED, b"uu")
    stamp = a_stamp(1)
    anew = published(await idempotency.begin(OTHER, stamp, token="b"))
    assert anew == Publishing(stamp, "b", 1)
    assert anew.stamp.task_ids != first.stamp.task_ids
    await idempotency.conclude(OTHER, anew, Conclusion.DONE, b"q")
    assert await idempotency.begin(REQUEST, a_stamp(), token="c") == Reused()


async def test_nothing_is_begun_that_may_not_be(idempotency: Idempotency, store: Store) -> None:
    assert await idempotency.begin(REQUEST, a_stamp(), token="a", may_begin=False) == Unbegun()
    assert not await store.redis.exists(store.keys.idempotency("local", REQUEST.key))


async def test_a_record_that_redis_lost_is_written_again_at_the_end(idempotency: Idempotency, store: Store) -> None:
    stamp = a_stamp()
    first = published(await idempotency.begin(REQUEST, stamp, token="a"))
    await store.redis.delete(store.keys.idempotency("local", REQUEST.key))
    assert await idempotency.conclude(REQUEST, first, Conclusion.DONE, b"qq")
    assert await idempotency.begin(REQUEST, a_stamp(), token="b") == Done(stamp.task_ids, b"qq")


@pytest.mark.parametrize(("window", "at_least"), [(HOUR, HOUR + DAY), (3 * DAY, 4 * DAY)])
async def test_a_record_lives_as_long_as_its_tasks_can_be_read(
    idempotency: Idempotency, store: Store, window: float, at_least: float
) -> None:
    key = store.keys.idempotency("local", REQUEST.key)
    first = published(await idempotency.begin(REQUEST, a_stamp(window=window), token="a"))
    assert await store.redis.pttl(key) == pytest.approx(at_least * 1000, abs=30_000)
    await idempotency.conclude(REQUEST, first, Conclusion.DONE, b"qq")
    assert await store.redis.pttl(key) == pytest.approx(at_least * 1000, abs=30_000)


async def test_a_record_lives_for_a_day_at_least(store: Store) -> None:
    idempotency = Idempotency(store.redis.link, store.keys, lease_seconds=LEASE, result_ttl_seconds=60)
    await idempotency.begin(REQUEST, a_stamp(window=60), token="a")
    ttl = await store.redis.pttl(store.keys.idempotency("local", REQUEST.key))
    assert ttl == pytest.approx(DAY * 1000, abs=30_000)


async def test_tenants_keys_are_their_own_and_no_text_of_theirs_names_a_key(
    idempotency: Idempotency, store: Store
) -> None:
    await idempotency.begin(REQUEST, a_stamp(), token="a")
    theirs = RepeatableRequest("other", REQUEST.key, b"another")
    assert isinstance(await idempotency.begin(theirs, a_stamp(), token="b"), Publishing)
    assert REQUEST.key not in store.keys.idempotency("local", REQUEST.key)


async def test_taking_a_refusal_back_removes_the_mark_and_nothing_else(store: Store) -> None:
    refused, running, unknown = a_task(), a_task(), a_task()
    await store.submissions.refuse([refused])
    await store.claimed(running)
    before = await store.redis.hgetall(store.keys.task(running.task_id))
    await store.submissions.unrefuse([refused, running, unknown])
    assert not await store.redis.exists(store.keys.task(refused.task_id), store.keys.task(unknown.task_id))
    assert await store.redis.hgetall(store.keys.task(running.task_id)) == before
    assert isinstance(await store.claim(refused, "b"), Claimed)


async def test_refusing_tells_which_tasks_a_worker_was_first_to_find(store: Store) -> None:
    refused, running = a_task(), a_task()
    await store.claimed(running)
    assert await store.submissions.refuse([refused, running]) == [running]
    assert await store.submissions.refuse([refused, running]) == [running]


async def test_a_mark_set_while_the_record_was_written_is_lifted_for_good_and_told(store: Store) -> None:
    marked, fresh = a_task(), a_task()
    await store.submissions.refuse([marked])
    assert await store.claim(marked, "a") is Skip.REFUSED
    written = [Written(marked, 1, 1), Written(fresh, 1, 2)]
    # Who asks again may not have heard the answer: it holds until a worker has the task.
    assert await store.submissions.accept(written) == [marked]
    assert await store.submissions.accept(written) == [marked]
    assert await store.submissions.refuse([marked]) == [marked]
    assert isinstance(await store.claim(marked, "b"), Claimed)
    assert await store.submissions.accept(written) == []

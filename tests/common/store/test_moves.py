import time
from dataclasses import replace
from functools import partial

import pytest

from common.settings import RedisSettings
from common.store.claims import Busy, Claimed, Ended, Exhausted, Finish, Hold, Skip, Waiting
from common.store.ending import Ending
from common.store.redriving import Redriven, RedriveReply
from common.store.scripts import StoreUnavailable
from common.store.submissions import Located, Submissions, Written
from common.task import Lane, Status, Task, new_task_id
from tests.common.store.conftest import DAY, Store
from tests.support.redis_client import create_redis

RESULT = b'{"version":1,"status":"completed"}'


def a_task(**changes: object) -> Task:
    now = time.time()
    fields: dict[str, object] = {
        "task_id": new_task_id(),
        "tenant": "local",
        "body": {},
        "created_at": now,
        "expires_at": now + DAY,
    }
    return Task(**(fields | changes))  # type: ignore[arg-type] # a table of any of its fields


async def test_an_accepted_task_is_queued_with_its_records_place(store: Store) -> None:
    task = a_task(lane=Lane.BATCH)
    await store.submissions.accept([Written(task, 3, 7)])
    state = await store.state(task)
    assert (state.status, state.progress, state.attempts) == (Status.QUEUED, 0, 0)
    assert (state.partition, state.offset, state.lane, state.tenant) == (3, 7, Lane.BATCH, "local")
    assert state.created_at == pytest.approx(task.created_at, abs=0.001)


@pytest.mark.parametrize("count", [0, 20], ids=["few", "many"])
async def test_tasks_that_are_alike_are_accepted_as_each_by_itself(store: Store, count: int) -> None:
    pattern = a_task(lane=Lane.BATCH, tenant='a "quoted" tenant')
    claimed, marked, alone, *others = (replace(pattern, task_id=new_task_id()) for _ in range(3 + count))
    await store.claimed(claimed)
    await store.submissions.refuse([marked])
    await store.submissions.accept([Written(alone, 5, 11)])
    ids = [pattern.task_id, claimed.task_id, marked.task_id, *(task.task_id for task in others)]
    written = [Located(task_id, 5, 11) for task_id in ids]
    assert await store.submissions.accept_alike(pattern, written) == [marked.task_id]
    assert await store.submissions.accept_alike(pattern, written) == [marked.task_id]
    assert (await store.state(claimed)).status is Status.PROCESSING
    expected = await store.state(alone)
    for task in (pattern, marked, *others):
        assert (await store.state(task))._replace(task_id=alone.task_id, moved_at=expected.moved_at) == expected


async def test_what_is_no_id_is_not_sent_as_one(store: Store) -> None:
    for text in ("", "x" * 35, "x" * 37, "\u00e9" * 36):
        with pytest.raises(ValueError, match="not a task id"):
            await store.submissions.accept_alike(a_task(), [Located(text, 0, 0)] * 10)
        with pytest.raises(ValueError, match="not a task id"):
            await store.reader.read([text])


async def test_accepting_after_the_worker_adds_the_place_only(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    await store.submissions.accept([Written(task, 9, 9)])
    state = await store.state(task)
    assert (state.status, state.progress, state.partition) == (Status.PROCESSING, 25, claim.partition)


async def test_an_unknown_task_is_none_and_order_is_kept(store: Store) -> None:
    task = a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    states = await store.reader.read([new_task_id(), task.task_id, task.task_id])
    assert [state and state.task_id for state in states] == [None, task.task_id, task.task_id]


async def test_a_claim_of_a_record_that_redis_lost_makes_its_task_anew(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    assert (claim.attempts, claim.failures, claim.crashes) == (1, 0, 0)
    assert (await store.state(task)).status is Status.PROCESSING


async def test_a_record_past_its_end_and_forgotten_is_skipped_and_writes_nothing(store: Store) -> None:
    task = a_task(expires_at=time.time() - 1)
    assert await store.claim(task, "a") is Skip.GONE
    assert not await store.redis.exists(store.keys.task(task.task_id))


async def test_a_refused_record_is_skipped_and_is_no_task(store: Store) -> None:
    task = a_task()
    await store.submissions.refuse([task])
    assert await store.claim(task, "a") is Skip.REFUSED
    assert await store.read(task) is None


async def test_refusing_after_the_worker_changes_nothing(store: Store) -> None:
    task = a_task()
    await store.claimed(task)
    await store.submissions.refuse([task])
    assert (await store.state(task)).status is Status.PROCESSING


async def test_a_record_of_an_earlier_run_is_skipped(store: Store) -> None:
    task = a_task(run=2)
    await store.claimed(task)
    other = a_task(task_id=task.task_id, run=1)
    assert await store.claim(other, "b") is Skip.STALE_RUN


async def test_a_claim_that_leads_to_no_call_is_no_attempt(store: Store) -> None:
    task = a_task()
    reply = await store.leases.claim(task, token="a", partition=0, offset=0, will_call=False)
    assert isinstance(reply, Claimed)
    assert reply.claim.attempts == 0
    state = await store.state(task)
    assert (state.status, state.progress, state.attempts) == (Status.PROCESSING, 0, 0)


async def test_a_claim_repeated_with_its_token_answers_as_the_first_time(store: Store) -> None:
    task = a_task()
    first = await store.claim(task, "a")
    again = await store.claim(task, "a")
    assert isinstance(first, Claimed)
    assert isinstance(again, Claimed)
    assert (again.claim.attempts, again.claim.started_at) == (first.claim.attempts, first.claim.started_at)


async def test_a_held_task_is_busy_for_its_lease(store: Store) -> None:
    task = a_task()
    await store.claimed(task)
    reply = await store.claim(task, "b", store.others)
    assert isinstance(reply, Busy)
    assert 0 < reply.for_seconds <= 30


async def test_a_lapsed_lease_is_taken_over_and_counted_as_a_crash(store: Store) -> None:
    task = a_task()
    await store.claimed(task)
    await store.set(task, lease_until=1)
    reply = await store.claim(task, "b", store.others)
    assert isinstance(reply, Claimed)
    assert (reply.claim.attempts, reply.claim.crashes) == (2, 1)
    assert (await store.state(task)).worker == "two"


async def test_a_task_that_too_many_workers_died_with_is_handed_over_without_a_call(store: Store) -> None:
    task = a_task()
    for token in "abc":
        assert isinstance(await store.claim(task, token), Claimed)
        await store.set(task, lease_until=1)
    reply = await store.claim(task, "d")
    assert isinstance(reply, Exhausted)
    assert (reply.claim.attempts, reply.claim.crashes) == (3, 3)
    finish = await store.leases.finish(
        reply.claim, Status.FAILED, RESULT, finished_at=time.time(), failures=0, may_restore=True
    )
    assert finish is Finish.RECORDED


async def test_a_released_task_waits_for_its_time(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    released = await store.leases.release(claim, delay_seconds=60, failures=1, called=True, may_restore=True)
    assert released is Hold.RELEASED
    state = await store.state(task)
    assert (state.status, state.progress, state.attempts, state.failures) == (Status.QUEUED, 0, 1, 1)
    assert state.retry_at == pytest.approx(time.time() + 60, abs=20)
    reply = await store.claim(task, "b")
    assert isinstance(reply, Waiting)
    assert 0 < reply.for_seconds <= 60
    await store.set(task, retry_at=1)
    again = await store.claim(task, "b")
    assert isinstance(again, Claimed)
    assert (again.claim.attempts, again.claim.failures) == (2, 1)
    assert (await store.state(task)).retry_at is None


async def test_a_claim_given_back_without_a_call_is_no_attempt(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    await store.leases.release(claim, delay_seconds=0, failures=0, called=False, may_restore=True)
    assert (await store.state(task)).attempts == 0


async def test_a_release_repeated_is_released_and_its_renewal_does_not_bring_it_back(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    for _ in range(2):
        reply = await store.leases.release(claim, delay_seconds=0, failures=1, called=True, may_restore=True)
        assert reply is Hold.RELEASED
    assert await store.leases.renew([(claim, True)]) == [Hold.LOST]
    assert (await store.state(task)).status is Status.QUEUED


async def finish(store: Store, task: Task, status: Status = Status.COMPLETED) -> None:
    claim = await store.claimed(task)
    reply = await store.leases.finish(claim, status, RESULT, finished_at=time.time(), failures=0, may_restore=True)
    assert reply is Finish.RECORDED


async def test_a_finished_task_shows_its_result_and_is_claimed_no_more(store: Store) -> None:
    task = a_task()
    await finish(store, task)
    state = await store.state(task)
    assert (state.status, state.progress, state.result) == (Status.COMPLETED, 100, RESULT)
    assert state.finished_at == pytest.approx(time.time(), abs=20)
    assert isinstance(await store.claim(task, "b"), Ended)


async def test_a_finish_repeated_with_its_token_is_recorded_again(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    for result in (RESULT, b'{"other":1}'):
        reply = await store.leases.finish(
            claim, Status.COMPLETED, result, finished_at=time.time(), failures=0, may_restore=True
        )
        assert reply is Finish.RECORDED
    assert (await store.state(task)).result == RESULT


async def test_a_zombie_changes_nothing(store: Store) -> None:
    task = a_task()
    zombie = await store.claimed(task)
    await store.set(task, lease_until=1)
    await store.claim(task, "b", store.others)
    assert await store.leases.renew([(zombie, True)]) == [Hold.LOST]
    assert await store.leases.progress(zombie, 75, may_restore=True) is Hold.LOST
    released = await store.leases.release(zombie, delay_seconds=0, failures=1, called=True, may_restore=True)
    assert released is Hold.LOST
    reply = await store.leases.finish(
        zombie, Status.COMPLETED, RESULT, finished_at=time.time(), failures=0, may_restore=True
    )
    assert reply is Finish.LOST
    state = await store.state(task)
    assert (state.status, state.progress, state.result) == (Status.PROCESSING, 25, None)


async def test_a_finish_after_the_lease_lapsed_counts_when_nobody_else_claimed(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    await store.set(task, lease_until=1)
    reply = await store.leases.finish(
        claim, Status.COMPLETED, RESULT, finished_at=time.time(), failures=0, may_restore=False
    )
    assert reply is Finish.RECORDED


@pytest.mark.parametrize("move", ["renew", "progress", "finish", "release"])
async def test_a_claim_that_redis_lost_is_restored_by_its_holder(store: Store, move: str) -> None:
    task = a_task()
    claim = await store.claimed(task)
    await store.redis.delete(store.keys.task(task.task_id))
    if move == "renew":
        assert await store.leases.renew([(claim, True)]) == [Hold.HELD]
    elif move == "progress":
        assert await store.leases.progress(claim, 50, tokens=10, may_restore=True) is Hold.HELD
    elif move == "finish":
        reply = await store.leases.finish(
            claim, Status.COMPLETED, RESULT, finished_at=time.time(), failures=0, may_restore=True
        )
        assert reply is Finish.RECORDED
    else:
        reply_ = await store.leases.release(claim, delay_seconds=0, failures=1, called=True, may_restore=True)
        assert reply_ is Hold.RELEASED
    state = await store.state(task)
    assert (state.attempts, state.tenant, state.partition) == (1, "local", 3)
    assert await store.redis.pttl(store.keys.task(task.task_id)) > DAY * 1000 - 60_000


async def test_a_claim_that_redis_lost_is_not_restored_once_the_lease_has_lapsed(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    await store.redis.delete(store.keys.task(task.task_id))
    assert await store.leases.renew([(claim, False)]) == [Hold.LOST]
    reply = await store.leases.finish(
        claim, Status.COMPLETED, RESULT, finished_at=time.time(), failures=0, may_restore=False
    )
    assert reply is Finish.LOST
    assert not await store.redis.exists(*store.keys.of(task.task_id))


async def test_a_read_ends_a_task_whose_time_has_passed(store: Store) -> None:
    task = a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    await store.set(task, expires_at=int(time.time() * 1000) - 5000)
    state = await store.state(task)
    assert state.status is Status.EXPIRED
    assert state.finished_at is not None
    assert isinstance(await store.claim(task, "a"), Ended)


async def test_a_claim_ends_a_task_whose_time_has_passed(store: Store) -> None:
    task = a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    await store.set(task, expires_at=1)
    assert [await store.claim(task, token) for token in "aa"] == [Ended(by_this_claim=True), Ended()]
    assert (await store.state(task)).status is Status.EXPIRED


async def test_an_answer_after_the_end_is_overdue_and_recorded_as_expired(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    await store.set(task, expires_at=1)
    arguments = {"finished_at": time.time(), "failures": 0, "may_restore": True}
    late = await store.leases.finish(claim, Status.COMPLETED, RESULT, **arguments)  # type: ignore[arg-type] # mixed
    assert late is Finish.OVERDUE
    ended = await store.leases.finish(claim, Status.EXPIRED, RESULT, **arguments)  # type: ignore[arg-type] # mixed
    assert ended is Finish.RECORDED


async def test_progress_shows_stage_and_tokens(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    assert await store.leases.progress(claim, 60, tokens=12, may_restore=True) is Hold.HELD
    state = await store.state(task)
    assert (state.progress, state.tokens) == (60, 12)


async def test_every_key_expires_a_day_after_the_end_and_none_is_without_ttl(store: Store) -> None:
    queued, held, waiting, done, late, refused = (a_task() for _ in range(6))
    await store.submissions.accept([Written(task, 0, 0) for task in (queued, late)])
    await store.claimed(held)
    claim = await store.claimed(waiting)
    await store.leases.release(claim, delay_seconds=60, failures=1, called=True, may_restore=True)
    await finish(store, done)
    await store.set(late, expires_at=1)
    await store.read(late)
    await store.submissions.refuse([refused])
    ttls = {}
    async for key in store.redis.scan_iter(match=f"{store.keys.prefix}*"):
        ttls[key.decode()] = await store.redis.pttl(key)
    assert len(ttls) == 8
    assert 2 * DAY * 1000 - 60_000 < ttls[store.keys.task_index("local")] <= 2 * DAY * 1000
    for ended in (*store.keys.of(done.task_id), store.keys.task(late.task_id)):
        assert DAY * 1000 - 60_000 < ttls[ended] <= DAY * 1000
    for open_ in (queued, held, waiting):
        assert 2 * DAY * 1000 - 60_000 < ttls[store.keys.task(open_.task_id)] <= 2 * DAY * 1000


async def test_the_hash_outlives_the_result_until_the_record_can_be_no_more(store: Store) -> None:
    task = a_task(expires_at=time.time() + 3 * DAY)
    await finish(store, task)
    task_key, result_key = store.keys.of(task.task_id)
    assert await store.redis.pttl(task_key) > 2.9 * DAY * 1000
    assert await store.redis.pttl(result_key) <= DAY * 1000


async def test_the_hash_stays_compact(store: Store) -> None:
    task = a_task(tenant="t" * 64)
    await store.claimed(task)
    assert await store.redis.object("encoding", store.keys.task(task.task_id)) == b"listpack"


async def test_moves_work_when_redis_has_forgotten_the_scripts(store: Store) -> None:
    task = a_task()
    await store.claimed(task)
    await store.redis.script_flush()
    await finish(store, a_task())
    assert isinstance(await store.claim(task, "a"), Claimed)


async def test_redis_out_of_reach_is_said_so(redis_settings: RedisSettings, store: Store) -> None:
    nowhere = RedisSettings.model_validate({**redis_settings.model_dump(), "url": "redis://127.0.0.1:1/0"})
    redis = create_redis(nowhere, "tests")
    submissions = Submissions(redis.link, store.keys, result_ttl_seconds=DAY)
    with pytest.raises(StoreUnavailable):
        await submissions.accept([Written(a_task(), 0, 0)])
    await redis.aclose()


async def test_a_cancelled_task_never_starts_and_stays_cancelled(store: Store) -> None:
    task = a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    assert await store.endings.cancel([task.task_id], tenant="local") == [Ending.CANCELLED]
    assert await store.endings.cancel([task.task_id], tenant="local") == [Ending.FINAL]
    assert isinstance(await store.claim(task, "a"), Ended)
    state = await store.state(task)
    assert (state.status, state.finished_at is not None) == (Status.CANCELLED, True)
    assert DAY * 1000 - 60_000 < await store.redis.pttl(store.keys.task(task.task_id)) <= DAY * 1000


async def test_cancelling_in_flight_takes_the_task_from_its_holder(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    assert await store.endings.cancel([task.task_id], tenant="local") == [Ending.CANCELLED]
    assert await store.leases.renew([(claim, True)]) == [Hold.FINAL]
    reply = await store.leases.finish(
        claim, Status.COMPLETED, RESULT, finished_at=time.time(), failures=0, may_restore=True
    )
    assert reply is Finish.FINAL
    assert (await store.state(task)).status is Status.CANCELLED


async def test_a_finished_task_is_not_cancelled_any_more(store: Store) -> None:
    task = a_task()
    await finish(store, task)
    assert await store.endings.cancel([task.task_id], tenant="local") == [Ending.FINAL]
    assert (await store.state(task)).status is Status.COMPLETED


@pytest.mark.parametrize("move", ["cancel", "delete"])
async def test_nobody_ends_what_is_not_theirs_or_not_there(store: Store, move: str) -> None:
    task, refused = a_task(), a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    await store.submissions.refuse([refused])
    more = {"token": "d"} if move == "delete" else {}
    end = partial(getattr(store.endings, move), **more)
    assert await end([task.task_id], tenant="other") == [Ending.ABSENT]
    assert await end([refused.task_id, new_task_id()], tenant="local") == [Ending.ABSENT, Ending.ABSENT]
    assert (await store.state(task)).status is Status.QUEUED


async def test_what_is_past_its_end_is_expired_and_not_cancelled(store: Store) -> None:
    task = a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    await store.set(task, expires_at=1)
    for ending in (Ending.EXPIRED, Ending.FINAL):
        assert await store.endings.cancel([task.task_id], tenant="local") == [ending]
    assert (await store.state(task)).status is Status.EXPIRED


async def test_a_cancelled_task_that_waited_for_its_retry_is_never_claimed_again(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    await store.leases.release(claim, delay_seconds=0, failures=1, called=True, may_restore=True)
    assert await store.endings.cancel([task.task_id], tenant="local") == [Ending.CANCELLED]
    assert isinstance(await store.claim(task, "b"), Ended)
    assert (await store.state(task)).retry_at is None


async def test_a_deleted_task_is_gone_and_its_record_skipped(store: Store) -> None:
    task = a_task()
    await finish(store, task)
    assert await store.endings.delete([task.task_id], tenant="local", token="d") == [Ending.DELETED]
    assert await store.endings.delete([task.task_id], tenant="local", token="d") == [Ending.DELETED], "a repeat"
    assert await store.endings.delete([task.task_id], tenant="local", token="e") == [Ending.DELETED_BEFORE]
    assert await store.endings.delete([task.task_id], tenant="other", token="d") == [Ending.ABSENT]
    assert await store.endings.cancel([task.task_id], tenant="local") == [Ending.ABSENT]
    assert await store.read(task) is None
    assert await store.claim(task, "b") is Skip.DELETED
    task_key, result_key = store.keys.of(task.task_id)
    assert not await store.redis.exists(result_key)
    assert set(await store.redis.hgetall(task_key)) == {b"status", b"run", b"tenant", b"expires_at", b"token"}
    assert DAY * 1000 < await store.redis.pttl(task_key) <= DAY * 1000 + 900_000, "longer than any lease"


async def test_deleting_in_flight_takes_the_task_from_its_holder(store: Store) -> None:
    task = a_task()
    claim = await store.claimed(task)
    await store.endings.delete([task.task_id], tenant="local", token="d")
    assert await store.leases.renew([(claim, True)]) == [Hold.DELETED]
    released = await store.leases.release(claim, delay_seconds=0, failures=1, called=True, may_restore=True)
    assert released is Hold.DELETED
    reply = await store.leases.finish(
        claim, Status.COMPLETED, RESULT, finished_at=time.time(), failures=0, may_restore=True
    )
    assert reply is Finish.DELETED
    assert await store.read(task) is None


async def test_a_deleted_task_is_remembered_for_as_long_as_a_dead_letter_may_tell_of_it(store: Store) -> None:
    failed, again, completed = a_task(), a_task(run=2), a_task()
    await finish(store, failed, Status.FAILED)
    await finish(store, completed)
    await store.claimed(again)
    for task in (failed, again, completed):
        await store.endings.delete([task.task_id], tenant="local", token="d")
    marks = [await store.redis.pttl(store.keys.task(task.task_id)) / 1000 for task in (failed, again, completed)]
    assert marks == [pytest.approx(30 * DAY, abs=60), pytest.approx(30 * DAY, abs=60), pytest.approx(DAY + 900, abs=60)]


async def test_a_deleted_task_that_is_past_its_end_is_not_brought_back_by_a_read(store: Store) -> None:
    task = a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    await store.endings.delete([task.task_id], tenant="local", token="d")
    await store.set(task, expires_at=1)
    assert await store.read(task) is None
    assert await store.claim(task, "a") is Skip.DELETED


async def test_a_redrive_starts_the_next_run_once(store: Store) -> None:
    task = a_task()
    await finish(store, task)
    later = replace(task, expires_at=task.expires_at + 3600)
    assert await store.redriving.redrive([later]) == [RedriveReply(Redriven.STARTED, 2)]
    state = await store.state(task)
    assert (state.status, state.run, state.progress, state.attempts) == (Status.QUEUED, 2, 0, 0)
    assert (state.result, state.finished_at, state.partition) == (None, None, None)
    assert state.expires_at == pytest.approx(later.expires_at, abs=0.001)
    assert await store.redriving.redrive([later]) == [RedriveReply(Redriven.AGAIN, 2)]
    assert await store.claim(task, "b") is Skip.STALE_RUN
    second = await store.claim(replace(later, run=2), "b")
    assert isinstance(second, Claimed)
    assert second.claim.attempts == 1
    assert await store.redriving.redrive([later]) == [RedriveReply(Redriven.MOVED, 2)]


async def test_an_unfinished_task_is_not_redriven(store: Store) -> None:
    task = a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    assert await store.redriving.redrive([task]) == [RedriveReply(Redriven.MOVED, 1)]
    assert (await store.state(task)).run == 1


async def test_a_forgotten_task_is_redriven_and_a_deleted_one_is_not(store: Store) -> None:
    forgotten, deleted = a_task(), a_task()
    assert await store.redriving.redrive([forgotten]) == [RedriveReply(Redriven.STARTED, 2)]
    assert (await store.state(forgotten)).run == 2
    await finish(store, deleted)
    await store.endings.delete([deleted.task_id], tenant="local", token="d")
    assert await store.redriving.redrive([deleted]) == [RedriveReply(Redriven.DELETED, 0)]


async def test_redriving_looks_first_where_it_is_asked_to(store: Store) -> None:
    ended, forgotten = a_task(), a_task()
    await finish(store, ended, Status.FAILED)
    before = await store.state(ended)
    started = RedriveReply(Redriven.STARTED, 2)
    assert await store.redriving.redrive([ended, forgotten], preview=True) == [started, started]
    assert await store.state(ended) == before
    assert await store.read(forgotten) is None


async def test_a_redrive_can_leave_what_has_its_answer(store: Store) -> None:
    completed, failed = a_task(), a_task()
    await finish(store, completed)
    await finish(store, failed, Status.FAILED)
    replies = await store.redriving.redrive([completed, failed], spare_completed=True)
    assert replies == [RedriveReply(Redriven.COMPLETED, 1), RedriveReply(Redriven.STARTED, 2)]
    assert (await store.state(completed)).status is Status.COMPLETED


async def test_a_run_whose_record_was_written_is_not_started_again_when_its_task_is_forgotten(store: Store) -> None:
    task = a_task()
    assert await store.redriving.redrive([task]) == [RedriveReply(Redriven.STARTED, 2)]
    await store.redis.delete(store.keys.task(task.task_id))
    # Never written: nobody would ever run it.
    assert await store.redriving.redrive([task]) == [RedriveReply(Redriven.STARTED, 2)]
    await store.redriving.remember([replace(task, run=2)])
    await store.redis.delete(store.keys.task(task.task_id))
    assert await store.redriving.redrive([task]) == [RedriveReply(Redriven.MOVED, 2)]
    assert await store.redriving.redrive([replace(task, run=2)]) == [RedriveReply(Redriven.STARTED, 3)]

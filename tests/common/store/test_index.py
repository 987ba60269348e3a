import time
from dataclasses import replace

from hypothesis import given, strategies as st

from common.store.index import Growth, TaskIndex
from common.store.restoring import OpenTask, Restoring
from common.store.submissions import Located, Submissions, Written
from common.task import MAX_MODEL_LENGTH, Status, new_task_id
from tests.common.store.conftest import DAY, Store
from tests.common.store.test_moves import a_task
from tests.common.store.test_restoring import an_outcome


def index_of(store: Store) -> TaskIndex:
    return TaskIndex(store.redis.link, store.keys)


async def test_accepted_tasks_are_listed_newest_first(store: Store) -> None:
    first, second = a_task(), a_task()
    await store.submissions.accept([Written(first, 0, 0)])
    alike = [new_task_id() for _ in range(6)]
    await store.submissions.accept_alike(second, [Located(task_id, 0, 1) for task_id in alike])
    index = index_of(store)
    assert await index.newest("local", before=None, limit=10) == [*sorted(alike, reverse=True), first.task_id]
    assert await index.newest("local", before=sorted(alike)[1], limit=1) == [min(alike)]
    assert await index.newest("another", before=None, limit=10) == []


async def test_a_repeat_lists_nothing_twice(store: Store) -> None:
    written = [Written(a_task(), 0, 0)]
    for _ in range(2):
        await store.submissions.accept(written)
    assert await index_of(store).newest("local", before=None, limit=10) == [written[0].task.task_id]


async def test_of_more_than_may_be_listed_the_oldest_go(store: Store) -> None:
    index = TaskIndex(store.redis.link, store.keys, most=3)
    submissions = Submissions(store.redis.link, store.keys, result_ttl_seconds=DAY, index=index)
    ids = [new_task_id() for _ in range(5)]
    await submissions.accept_alike(a_task(), [Located(task_id, 0, 0) for task_id in ids])
    assert await index.newest("local", before=None, limit=10) == ids[:1:-1]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 8)), max_size=60))
def test_what_is_added_between_two_cuts_is_bounded(requests: list[tuple[str, int]]) -> None:
    growth = Growth(10)
    uncut = dict.fromkeys("ab", 10**6)
    for tenant, count in requests:
        uncut[tenant] = 0 if growth.is_to_be_cut(tenant, count) else uncut[tenant] + count
        assert uncut[tenant] < 10


def test_tenants_that_are_remembered_are_bounded() -> None:
    growth = Growth(10)
    assert all(growth.is_to_be_cut(str(tenant), 1) for tenant in range(25_000))
    assert len(growth) <= 10_000


async def test_a_request_costs_two_commands_more_than_its_moves(store: Store) -> None:
    index = index_of(store)
    index.adding("local", [new_task_id()])
    for count in (1, 250):
        commands = index.adding("local", [new_task_id() for _ in range(count)])
        assert [command.split(b"\r\n")[2] for command in commands] == [b"ZADD", b"PEXPIRE"]


async def test_a_list_lasts_as_long_as_any_task_may(store: Store) -> None:
    now = time.time()
    index = TaskIndex(store.redis.link, store.keys, kept_seconds=4 * DAY)
    submissions = Submissions(store.redis.link, store.keys, result_ttl_seconds=DAY, index=index)
    for seconds in (3 * DAY, 600):
        await submissions.accept([Written(a_task(created_at=now, expires_at=now + seconds), 0, 0)])
        assert 4 * DAY - 60 < await store.redis.pttl(store.keys.task_index("local")) / 1000 <= 4 * DAY


async def test_tasks_that_are_accepted_after_the_scripts_were_lost_are_listed(store: Store) -> None:
    await store.redis.script_flush()
    task = a_task()
    await store.submissions.accept([Written(task, 0, 0)])
    assert await index_of(store).newest("local", before=None, limit=2) == [task.task_id]


async def test_a_rebuild_lists_what_it_finds(store: Store) -> None:
    ended, unfinished, foreign = a_task(), a_task(), a_task(tenant="another")
    restoring = Restoring(store.redis.link, store.keys, result_ttl_seconds=DAY)
    await restoring.restore([an_outcome(ended), an_outcome(foreign)])
    await restoring.reopen([OpenTask(Written(unfinished, 0, 0))], delay_seconds=0)
    index = index_of(store)
    assert await index.newest("local", before=None, limit=10) == [unfinished.task_id, ended.task_id]
    assert await index.newest("another", before=None, limit=10) == [foreign.task_id]


async def test_a_task_shows_the_model_that_it_names(store: Store) -> None:
    named = a_task(body={"model": "large"})
    await store.submissions.accept([Written(named, 0, 0)])
    ids = [new_task_id() for _ in range(8)]
    models = ["small", None] * 4
    mixed = [Located(task_id, 0, 0, model) for task_id, model in zip(ids, models, strict=True)]
    await store.submissions.accept_alike(a_task(), mixed)
    alike = [Located(new_task_id(), 0, 0, "tiny") for _ in range(8)]
    await store.submissions.accept_alike(a_task(), alike)
    assert (await store.state(named)).model == "large"
    assert [(await store.state(a_task(task_id=task_id))).model for task_id in ids] == models
    assert {(await store.state(a_task(task_id=entry.task_id))).model for entry in alike} == {"tiny"}


async def test_no_name_is_shown_that_is_longer_than_any_model_has(store: Store) -> None:
    task = a_task(body={"model": "x" * (MAX_MODEL_LENGTH + 1)})
    claim = await store.claimed(task)
    assert (await store.state(task)).model is None
    await store.leases.finish(
        claim, Status.COMPLETED, b"{}", finished_at=time.time(), failures=0, may_restore=True, model="y" * 10_000
    )
    assert (await store.state(task)).model is None


async def test_a_worker_shows_the_model_it_chooses_and_a_rebuild_the_one_that_answered(store: Store) -> None:
    silent, named = a_task(), a_task(body={"model": "large"})
    workers = store.worker("three", default_model="default")
    for task in (silent, named):
        await store.submissions.accept([Written(task, 0, 0)])
        await store.claim(task, "a", workers)
    assert (await store.state(silent)).model == "default"
    assert (await store.state(named)).model == "large"
    restored = a_task()
    await Restoring(store.redis.link, store.keys, result_ttl_seconds=DAY).restore(
        [an_outcome(restored, model="said"), replace(an_outcome(named), model=None)]
    )
    assert (await store.state(restored)).model == "said"
    assert (await store.state(named)).model == "large"

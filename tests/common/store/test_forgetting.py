from common.store.forgetting import Due, Forgotten
from tests.common.store.conftest import Store


async def test_a_deleted_task_is_due_at_once_and_once_more_later(store: Store) -> None:
    forgotten = Forgotten(store.redis.link, store.keys)
    await forgotten.add("a", now=10)
    assert await forgotten.due(now=9, limit=5) == []
    first = await forgotten.due(now=10, limit=5)
    assert first == [Due("a", last=False)]
    assert await forgotten.due(now=10, limit=5) == first, "until its null is in the topic"

    await forgotten.nulled(first, again_at=70)
    assert await forgotten.due(now=69, limit=5) == []
    second = await forgotten.due(now=70, limit=5)
    assert second == [Due("a", last=True)]
    await forgotten.nulled(second, again_at=130)
    assert await forgotten.due(now=1000, limit=5) == []


async def test_the_longest_due_come_first_and_no_more_than_asked_for(store: Store) -> None:
    forgotten = Forgotten(store.redis.link, store.keys)
    for number in range(5):
        await forgotten.add(str(number), now=10 - number)
    assert [due.task_id for due in await forgotten.due(now=10, limit=3)] == ["4", "3", "2"]


async def test_the_list_is_bounded_and_does_not_stay_for_ever(store: Store) -> None:
    forgotten = Forgotten(store.redis.link, store.keys, max_tasks=2)
    assert await forgotten.has_room()
    await forgotten.add("a", now=1)
    await forgotten.add("b", now=1)
    assert not await forgotten.has_room()
    assert 6 * 86_400 < await store.redis.ttl(store.keys.forgotten) <= 7 * 86_400
    await forgotten.nulled([Due("a", last=True)], again_at=0)
    assert await forgotten.has_room() is False, "not what was meant: its first null is still to come"
    await forgotten.nulled([Due("a", last=False)], again_at=0)
    await forgotten.nulled([Due("a", last=True)], again_at=0)
    assert await forgotten.has_room()

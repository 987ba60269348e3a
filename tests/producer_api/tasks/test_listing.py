"""Lists of tasks on a real store, and what they cost it."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from common.settings import RedisSettings
from common.store.dialling import Dialler
from common.store.ending import Endings
from common.store.index import TaskIndex
from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.marker import Marker, SharedLooks
from common.store.reading import TaskReader
from common.store.submissions import Located, Submissions
from common.task import Lane, Status, Task, new_task_id
from producer_api.tasks.listing import MOST_LOOKED_AT, Listing, TaskFilter, TaskPage
from producer_api.tasks.lookup import StoreRebuilding

TTL = 600
EVERYTHING = TaskFilter()


class CountingLink(RedisLink):
    """A link that counts the commands it sends."""

    sent = 0

    async def ask(self, commands: Sequence[bytes], *, connection: int | None = None) -> list[Any]:
        self.sent += len(commands)
        return await super().ask(commands, connection=connection)


@dataclass
class Scene:
    """A tenant's tasks, and who lists them."""

    link: CountingLink
    keys: Keys
    submissions: Submissions = field(init=False)
    endings: Endings = field(init=False)
    listing: Listing = field(init=False)

    def __post_init__(self) -> None:
        self.submissions = Submissions(self.link, self.keys, result_ttl_seconds=TTL)
        self.endings = Endings(self.link, self.keys, result_ttl_seconds=TTL)
        reader = TaskReader(self.link, self.keys, result_ttl_seconds=TTL)
        looks = SharedLooks(Marker(self.link, self.keys))
        self.listing = Listing(TaskIndex(self.link, self.keys), reader, looks)

    async def submit(
        self, count: int, *, model: str | None = None, lane: Lane = Lane.INTERACTIVE, tenant: str = "t"
    ) -> list[str]:
        """Accept so many tasks; their ids, oldest first."""
        now = time.time()
        pattern = Task(task_id=new_task_id(), tenant=tenant, lane=lane, body={}, created_at=now, expires_at=now + TTL)
        ids = [new_task_id() for _ in range(count)]
        for first in range(0, count, 2_000):
            some = [Located(task_id, 0, 0, model) for task_id in ids[first : first + 2_000]]
            await self.submissions.accept_alike(pattern, some)
        return ids

    async def page(self, wanted: TaskFilter = EVERYTHING, *, limit: int = 50, after: str | None = None) -> TaskPage:
        return await self.listing.page(wanted, tenant="t", limit=limit, after=after)

    async def all_pages(self, wanted: TaskFilter, *, limit: int = 50) -> list[TaskPage]:
        pages = [await self.page(wanted, limit=limit)]
        while pages[-1].rest is not None:
            pages.append(await self.page(wanted, limit=limit, after=pages[-1].rest))
        return pages


@pytest.fixture
async def scene(redis_settings: RedisSettings) -> AsyncIterator[Scene]:
    link = CountingLink(Dialler(redis_settings, "tests").connect, jitter=lambda: 0.5)
    keys = Keys(redis_settings.key_prefix)
    marker = Marker(link, keys)
    await marker.set((await marker.identity()).run_id)
    yield Scene(link, keys)
    await link.aclose()


def ids_of(*pages: TaskPage) -> list[str]:
    return [state.task_id for page in pages for state in page.states]


async def test_pages_show_every_task_once_newest_first(scene: Scene) -> None:
    ids = await scene.submit(120)
    await scene.submit(5, tenant="another")
    pages = await scene.all_pages(EVERYTHING)
    assert ids_of(*pages) == ids[::-1]
    assert [len(page.states) for page in pages] == [50, 50, 20]


async def test_tasks_that_come_meanwhile_move_no_page(scene: Scene) -> None:
    ids = await scene.submit(4)
    first = await scene.page(limit=2)
    await scene.submit(3)
    assert ids_of(first, await scene.page(limit=10, after=first.rest)) == ids[::-1]


async def test_a_list_is_of_the_tasks_meant(scene: Scene) -> None:
    small, large = await scene.submit(5, model="small"), await scene.submit(5, model="large", lane=Lane.BATCH)
    cancelled = [small[0], large[0]]
    await scene.endings.cancel(cancelled, tenant="t")
    cases: list[tuple[TaskFilter, list[str]]] = [
        (TaskFilter(statuses={Status.CANCELLED}), cancelled),
        (TaskFilter(statuses={Status.CANCELLED, Status.QUEUED}), [*small, *large]),
        (TaskFilter(lane=Lane.BATCH), large),
        (TaskFilter(model="small"), small),
        (TaskFilter(model="small", statuses={Status.QUEUED}), small[1:]),
        (TaskFilter(model="smal"), []),
        (TaskFilter(statuses={Status.FAILED}), []),
    ]
    for wanted, expected in cases:
        assert ids_of(*await scene.all_pages(wanted, limit=2)) == expected[::-1]


async def test_a_task_whose_time_has_passed_is_listed_as_expired(scene: Scene) -> None:
    [task_id] = await scene.submit(1)
    await scene.link.execute("HSET", scene.keys.task(task_id), "expires_at", 1)
    [state] = (await scene.page(TaskFilter(statuses={Status.EXPIRED}))).states
    assert (state.task_id, state.status) == (task_id, Status.EXPIRED)


async def test_what_is_gone_is_passed_over_and_taken_out(scene: Scene) -> None:
    ids = await scene.submit(6)
    await scene.endings.delete([ids[1]], tenant="t", token="x")
    await scene.link.execute("DEL", scene.keys.task(ids[4]))
    left = [task_id for task_id in ids if task_id not in {ids[1], ids[4]}]
    assert ids_of(*await scene.all_pages(EVERYTHING, limit=3)) == left[::-1]
    assert await TaskIndex(scene.link, scene.keys).newest("t", before=None, limit=10) == left[::-1]


async def test_no_list_is_given_of_a_store_that_is_not_whole(scene: Scene) -> None:
    await scene.submit(1)
    await scene.link.execute("DEL", scene.keys.marker)
    with pytest.raises(StoreRebuilding):
        await scene.page()


async def test_what_a_page_costs_does_not_grow_with_the_tasks(scene: Scene) -> None:
    async def cost(wanted: TaskFilter, *, limit: int, after: str | None = None) -> tuple[int, TaskPage]:
        before = scene.link.sent
        page = await scene.page(wanted, limit=limit, after=after)
        return scene.link.sent - before, page

    found_nowhere = TaskFilter(statuses={Status.FAILED})
    await scene.submit(1_500)
    few = [(await cost(EVERYTHING, limit=50))[0], (await cost(found_nowhere, limit=50))[0]]
    ids = await scene.submit(98_500)
    newest, page = await cost(EVERYTHING, limit=50)
    assert ids_of(page) == ids[:-51:-1]
    deep, page = await cost(EVERYTHING, limit=50, after=ids[1_000])
    assert ids_of(page) == ids[999:949:-1]
    searching, page = await cost(found_nowhere, limit=50)
    assert (page.states, page.rest) == ([], ids[-MOST_LOOKED_AT])
    assert [newest, searching] == few
    assert deep == newest
    # The look at the store, one range, and a hash each.
    assert newest == 4 + 1 + 50
    assert searching == 4 + 4 + MOST_LOOKED_AT


async def test_a_page_is_short_where_looking_on_would_cost_too_much(scene: Scene) -> None:
    [old] = await scene.submit(1, model="rare")
    await scene.submit(MOST_LOOKED_AT)
    pages = await scene.all_pages(TaskFilter(model="rare"))
    assert [ids_of(page) for page in pages] == [[], [old]]


async def test_the_filter_says_nothing_of_what_it_is_not_given() -> None:
    assert EVERYTHING.means_all
    assert not replace(EVERYTHING, model="m").means_all

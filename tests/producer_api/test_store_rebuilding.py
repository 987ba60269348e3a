"""A store that has lost something: nobody is told that there is no such task."""

import time
from collections.abc import AsyncIterator, Sequence

import pytest

from common.store.keys import Keys
from common.store.marker import Marker, SharedLooks
from common.store.reading import TaskReader
from common.store.state import TaskState
from common.store.submissions import Submissions, Written
from common.task import Task, new_task_id
from producer_api.tasks.lookup import Lookup
from tests.support.api import Api
from tests.support.redis_client import Redis


@pytest.fixture
async def marker(redis: Redis, keys: Keys) -> AsyncIterator[Marker]:
    """The marker, missing; it is set again for the tests after this one."""
    marker = Marker(redis.link, keys)
    await redis.delete(keys.marker)
    yield marker
    await marker.set((await marker.identity()).run_id)


async def test_an_unknown_id_is_put_off_until_the_store_is_whole(api: Api, marker: Marker) -> None:
    task_id = new_task_id()
    ways = [("/v1/tasks", {"task_ids": task_id}), (f"/v1/tasks/{task_id}", None)]
    for path, params in ways:
        answer = await api.ask("GET", path, params=params)
        assert (answer.status, answer.body["error"]["code"]) == (503, "store_rebuilding")
        assert int(answer.headers["retry-after"]) >= 1
    # From the very moment it is, without a look remembered from before.
    await marker.set((await marker.identity()).run_id)
    statuses = [(await api.ask("GET", path, params=params)).status for path, params in ways]
    assert statuses == [200, 404]


@pytest.mark.usefixtures("marker")
async def test_a_store_that_is_not_whole_shows_what_it_knows(api: Api) -> None:
    task_ids = await api.submit(["one", "two"])
    assert [entry["status"] for entry in await api.tasks(task_ids)] == ["queued", "queued"]


class ReaderOvertaken(TaskReader):
    """A reader whose first answer is overtaken by the end of a rebuild."""

    def __init__(self, redis: Redis, keys: Keys, task: Task) -> None:
        super().__init__(redis.link, keys, result_ttl_seconds=60)
        self._task: Task | None = task
        self._parts = redis, keys

    async def read(self, task_ids: Sequence[str]) -> list[TaskState | None]:
        states = await super().read(task_ids)
        task, self._task = self._task, None
        if task is not None:
            redis, keys = self._parts
            await Submissions(redis.link, keys, result_ttl_seconds=60).accept([Written(task, 0, 0)])
            marker = Marker(redis.link, keys)
            await marker.set((await marker.identity()).run_id)
        return states


async def test_a_rebuild_that_ends_during_the_reading_hides_no_task(redis: Redis, keys: Keys, marker: Marker) -> None:
    now = time.time()
    task = Task(task_id=new_task_id(), tenant="local", body={}, created_at=now, expires_at=now + 60)
    reader = ReaderOvertaken(redis, keys, task)
    lookup = Lookup(reader, SharedLooks(marker), max_answer_bytes=1_000)
    [state] = await lookup.find([task.task_id], tenant="local")
    assert state is not None


@pytest.mark.usefixtures("marker")
async def test_what_is_no_id_is_not_found_in_any_store(api: Api) -> None:
    assert (await api.ask("GET", "/v1/tasks/nonsense")).status == 404

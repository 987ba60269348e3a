"""A store that has lost something: nobody is told that there is no such task."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from common.store.keys import Keys
from common.store.marker import Marker
from common.task import new_task_id
from tests.support.api import Api


@pytest.fixture
async def marker(redis: Redis, keys: Keys) -> AsyncIterator[Marker]:
    """The marker, missing; it is set again for the tests after this one."""
    marker = Marker(redis, keys)
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


@pytest.mark.usefixtures("marker")
async def test_what_is_no_id_is_not_found_in_any_store(api: Api) -> None:
    assert (await api.ask("GET", "/v1/tasks/nonsense")).status == 404

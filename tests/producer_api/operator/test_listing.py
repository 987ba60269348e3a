"""Dead letters listed and shown, from a real topic."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from common.record import encode_task
from common.store.keys import Keys
from common.store.marker import Marker
from common.task import new_task_id
from tests.producer_api.conftest import Service
from tests.producer_api.operator.conftest import ROOT, Graveyard, a_task
from tests.support.api import Api
from tests.support.redis_client import Redis

Listed = Callable[..., Any]


def ids(pages: list[dict[str, Any]]) -> list[str]:
    return [letter["id"] for page in pages for letter in page["dead_letters"]]


async def test_letters_of_all_partitions_are_listed_oldest_first_page_by_page(
    graveyard: Graveyard, listed: Listed
) -> None:
    tenant = new_task_id()
    written = [await graveyard.bury(a_task(tenant=tenant), partition=partition) for partition in (3, 0, 5, 0, 3, 1, 0)]
    # Kafka's times are milliseconds: those within one are told apart by their partitions.
    pages = await listed(tenant=tenant, limit=3)
    found = ids(pages)
    assert sorted(found) == sorted(written)
    times = [letter["failed_at"] for page in pages for letter in page["dead_letters"]]
    assert times == pytest.approx(sorted(times), abs=0.01)
    for partition in range(6):
        of_partition = [text for text in found if text.startswith(f"{partition}-")]
        assert of_partition == [text for text in written if text.startswith(f"{partition}-")]
    assert {len(page["dead_letters"]) for page in pages[:2]} == {3}
    assert (pages[-1]["next"], pages[-1]["remaining"]) == (None, 0)


async def test_filters_choose_among_them(graveyard: Graveyard, listed: Listed) -> None:
    tenant, now = new_task_id(), time.time()
    rejected = await graveyard.bury(a_task(tenant=tenant), error_code="rejected", reason="Rejected with 400.")
    task = a_task(tenant=tenant)
    failed = await graveyard.bury(task)
    old = await graveyard.bury(a_task(tenant=tenant), failed_at=now - 3600)
    for filters, expected in (
        ({"error_code": "rejected"}, [rejected]),
        ({"reason": "WITH 400"}, [rejected]),
        ({"task_id": task.task_id}, [failed]),
        ({"task_id": f"resp_{task.task_id.replace('-', '')}"}, [failed]),
        ({"until": now - 1800}, [old]),
        ({"since": now - 1800}, [rejected, failed]),
        ({"since": now + 3600}, []),
        ({"tenant": new_task_id()}, []),
    ):
        assert ids(await listed(**{"tenant": tenant, **filters})) == expected, filters


async def test_a_page_looks_at_so_many_letters_at_most_and_says_where_to_go_on(graveyard: Graveyard, api: Api) -> None:
    tenant = new_task_id()
    for _ in range(3):
        await graveyard.bury(a_task(tenant=tenant))
    first = (await api.ask("GET", ROOT, params={"tenant": tenant, "limit": "1"})).body
    # What comes later is for the next look.
    await graveyard.bury(a_task(tenant=tenant))
    second = (await api.ask("GET", ROOT, params={"tenant": tenant, "after": first["next"]})).body
    assert [len(page["dead_letters"]) for page in (first, second)] == [1, 2]
    assert first["remaining"] == second["scanned"]
    assert second["next"] is None


async def test_the_list_says_how_tasks_stand_as_far_as_the_store_says_so(
    graveyard: Graveyard, listed: Listed, redis: Redis, keys: Keys
) -> None:
    tenant = new_task_id()
    redriven, ended, unknown = (a_task(tenant=tenant) for _ in range(3))
    positions = [await graveyard.bury(task) for task in (redriven, ended)]
    await graveyard.end(redriven)
    await graveyard.end(ended)
    await graveyard.fates(positions=positions[:1])

    async def now() -> list[dict[str, Any] | None]:
        return [letter["now"] for page in await listed(tenant=tenant) for letter in page["dead_letters"]]

    known = [{"run": 2, "status": "queued"}, {"run": 1, "status": "failed"}]
    assert await now() == known
    await graveyard.bury(unknown)
    assert await now() == [*known, None]
    # While it is rebuilt, who is not in it may exist.
    await redis.delete(keys.marker)
    assert await now() == [None] * 3
    marker = Marker(redis.link, keys)
    await marker.set((await marker.identity()).run_id)


async def test_one_is_shown_with_its_content_and_the_list_has_none(
    service: Service, graveyard: Graveyard, api: Api
) -> None:
    task = a_task("a heron nobody may read about")
    position = await graveyard.bury(task)
    shown = await api.ask("GET", f"{ROOT}/{position}")
    assert shown.status == 200
    assert shown.headers["cache-control"] == "no-store"
    assert shown.body["value"]["body"] == task.body
    assert (shown.body["value_encoding"], shown.body["run"]) == ("json", 1)
    assert shown.body["headers"]["task-id"] == task.task_id
    assert shown.body["size_bytes"] == len(encode_task(task))
    listing = await api.ask("GET", ROOT, params={"task_id": task.task_id})
    assert [letter["id"] for letter in listing.body["dead_letters"]] == [position]
    assert "heron" not in str(listing.body)
    await graveyard.fates(positions=[position])
    assert "heron" not in service.process.log()


@pytest.mark.parametrize("position", ["0-999999999", "999-0"])
async def test_one_that_is_not_there_is_404(graveyard: Graveyard, api: Api, position: str) -> None:
    await graveyard.bury(a_task())
    answer = await api.ask("GET", f"{ROOT}/{position}")
    assert (answer.status, answer.body["error"]["code"]) == (404, "dead_letter_not_found")


@pytest.mark.parametrize(
    ("path", "params", "param"),
    [
        (f"{ROOT}/nonsense", {}, "position"),
        (ROOT, {"after": "nonsense"}, "after"),
        (ROOT, {"limit": "0"}, "limit"),
        (ROOT, {"limit": "501"}, "limit"),
        (ROOT, {"since": "yesterday"}, "since"),
        (ROOT, {"until": "-1"}, "until"),
        (ROOT, {"task_id": "x"}, "task_id"),
    ],
)
async def test_what_cannot_be_meant_is_400(api: Api, path: str, params: dict[str, str], param: str) -> None:
    answer = await api.ask("GET", path, params=params)
    assert (answer.status, answer.body["error"]["param"]) == (400, param)

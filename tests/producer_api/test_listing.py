"""`GET /v1/tasks` without ids, over HTTP."""

from typing import Any

import pytest

from tests.producer_api.conftest import MAX_IDS
from tests.support.api import Api

ROOT = "/v1/tasks"


async def listed(api: Api, **query: str) -> list[dict[str, Any]]:
    """The tasks on all pages. Other tests have left more than one request looks at."""
    entries: list[dict[str, Any]] = []
    while True:
        answer = await api.ask("GET", ROOT, params=query)
        assert answer.status == 200, answer
        entries += answer.body["tasks"]
        if answer.body["next"] is None:
            return entries
        query["after"] = answer.body["next"]


async def test_the_newest_tasks_are_listed_page_by_page(api: Api) -> None:
    ids = sorted(await api.submit(["a secret prompt"] * 5, model="of-the-list"))
    first = await api.ask("GET", ROOT, params={"model": "of-the-list", "limit": "3"})
    assert first.status == 200
    assert [entry["task_id"] for entry in first.body["tasks"]] == ids[:1:-1]
    entries = [*first.body["tasks"], *await listed(api, model="of-the-list", after=first.body["next"])]
    assert [entry["task_id"] for entry in entries] == ids[::-1]
    assert {(entry["status"], entry["progress"], entry["model"], entry["lane"]) for entry in entries} == {
        ("queued", 0, "of-the-list", "interactive")
    }
    assert "secret" not in str(entries)


async def test_a_list_is_filtered_by_status_and_lane(api: Api) -> None:
    [kept, cancelled] = await api.submit(["a", "b"], model="filtered", lane="batch")
    await api.ask("POST", f"{ROOT}/{cancelled}/cancel")
    for status, expected in (("queued", [kept]), ("cancelled,failed", [cancelled]), ("completed", [])):
        found = await listed(api, model="filtered", lane="batch", status=status)
        assert [entry["task_id"] for entry in found] == expected
    assert await listed(api, model="filtered", lane="interactive") == []


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ("status=done", "status", "invalid_value"),
        ("status=", "status", "invalid_value"),
        ("lane=fast", "lane", "invalid_value"),
        ("after=nothing", "after", "invalid_value"),
        ("limit=0", "limit", "invalid_value"),
        ("limit=-1", "limit", "invalid_value"),
        ("limit=1e2", "limit", "invalid_value"),
        ("limit=99999999999", "limit", "invalid_value"),
        (f"limit={MAX_IDS + 1}", "limit", "limit_exceeded"),
        ("wait=5", "task_ids", "missing_required_parameter"),
        ("task_ids=a&status=failed", "status", "invalid_value"),
        ("task_ids=&limit=3", "limit", "invalid_value"),
        ("stat=failed", None, "unknown_parameter"),
    ],
)
async def test_a_list_that_is_asked_for_wrongly_is_refused(api: Api, query: str, param: str | None, code: str) -> None:
    answer = await api.ask("GET", f"{ROOT}?{query}")
    assert answer.status == 400
    assert (answer.body["error"]["param"], answer.body["error"]["code"]) == (param, code)

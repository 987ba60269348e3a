"""`/v1/operator/tasks` where there is nothing to run again, and who may ask."""

import time
from dataclasses import replace

import pytest

from common.store.keys import Keys
from common.store.redriving import Redriving
from common.task import Status, new_task_id
from tests.producer_api.conftest import RESULT_TTL_SECONDS
from tests.producer_api.operator.conftest import Graveyard, a_task
from tests.support.api import Answer, Api
from tests.support.redis_client import Redis

ROOT = "/v1/operator/tasks"
UNKNOWN = "01890000-0000-7000-8000-000000000000"


async def retry(api: Api, *task_ids: str) -> list[tuple[str, str, int | None]]:
    answer = await api.ask("POST", f"{ROOT}/retry", json={"task_ids": list(task_ids)})
    assert answer.status == 200, answer
    return [(entry["task_id"], entry["status"], entry["run"]) for entry in answer.body["tasks"]]


def refused(answer: Answer) -> tuple[int, str, str | None]:
    return answer.status, answer.body["error"]["code"], answer.body["error"]["param"]


async def test_each_id_is_answered_in_its_place(api: Api, graveyard: Graveyard) -> None:
    [open_] = await api.submit(["still queued"])
    done, elsewhere = a_task(), a_task()
    await graveyard.end(done, Status.COMPLETED)
    # It says that its record stands where another's does.
    await graveyard.end(elsewhere)
    assert await retry(api, UNKNOWN, open_, done.task_id, elsewhere.task_id, "nonsense", open_) == [
        (UNKNOWN, "not_found", None),
        (open_, "unfinished", 1),
        (done.task_id, "completed", 1),
        (elsewhere.task_id, "missing", 1),
        ("nonsense", "not_found", None),
        (open_, "unfinished", 1),
    ]


async def test_a_task_is_retried_by_either_spelling_of_its_id_whoever_it_belongs_to(
    api: Api, graveyard: Graveyard, redis: Redis, keys: Keys
) -> None:
    [task_id] = await api.submit(["by another name"])
    await redis.hset(keys.task(task_id), "tenant", "another")
    await redis.hset(keys.task(task_id), "status", "failed")
    assert await retry(api, f"resp_{task_id.replace('-', '')}") == [(task_id, "started", 2)]
    state = await graveyard.state(a_task(task_id=task_id))
    assert state is not None
    assert (state.status, state.run, state.partition is None) == (Status.QUEUED, 2, False)
    assert (await api.ask("GET", f"{ROOT}/{task_id}/record")).body["value"]["run"] == 2


async def test_a_retry_that_was_cut_short_is_repaired_by_another(
    api: Api, graveyard: Graveyard, redis: Redis, keys: Keys
) -> None:
    [task_id] = await api.submit(["cut short"])
    await redis.hset(keys.task(task_id), "status", "failed")
    # The run is started, and nothing is written.
    task = a_task(task_id=task_id)
    redriving = Redriving(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS)
    await redriving.redrive([replace(task, expires_at=time.time() + 600)])
    assert await retry(api, task_id) == [(task_id, "again", 2)]
    record = await api.ask("GET", f"{ROOT}/{task_id}/record")
    assert (record.body["value"]["run"], record.body["value"]["task_id"]) == (2, task_id)
    # Its record is known now.
    assert await retry(api, task_id) == [(task_id, "unfinished", 2)]
    state = await graveyard.state(task)
    assert state is not None
    assert state.run == 2


async def test_a_task_whose_place_is_not_known_has_no_record_to_show(
    api: Api, redis: Redis, keys: Keys, graveyard: Graveyard
) -> None:
    task = replace(a_task(), task_id=new_task_id())
    await graveyard.end(task)
    await redis.hdel(keys.task(task.task_id), "partition", "offset")
    await redis.delete(keys.result(task.task_id))
    assert await retry(api, task.task_id) == [(task.task_id, "missing", 1)]
    answer = await api.ask("GET", f"{ROOT}/{task.task_id}/record")
    assert refused(answer) == (404, "record_not_found", "task_id")
    shown = await api.ask("GET", f"{ROOT}/{task.task_id}")
    assert (shown.status, shown.body["record"]) == (200, None)


@pytest.mark.usefixtures("graveyard")
async def test_an_unknown_task_has_no_story(api: Api) -> None:
    for path in (UNKNOWN, "nonsense", f"{UNKNOWN}/record"):
        assert refused(await api.ask("GET", f"{ROOT}/{path}")) == (404, "task_not_found", "task_id")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "invalid_value")),
        ({"task_ids": []}, (400, "invalid_value")),
        ({"task_ids": [7]}, (400, "invalid_value")),
        ({"task_ids": [UNKNOWN] * 101}, (400, "invalid_value")),
        ({"task_ids": [UNKNOWN], "force": True}, (400, "unknown_parameter")),
    ],
)
async def test_a_retry_that_is_asked_for_wrongly_is_refused(
    api: Api, body: dict[str, object], expected: tuple[int, str]
) -> None:
    answer = await api.ask("POST", f"{ROOT}/retry", json=body)
    assert refused(answer)[:2] == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/operator/overview"),
        ("GET", "/v1/operator/workers"),
        ("GET", "/v1/operator/topics"),
        ("GET", "/v1/operator/topics/any/records"),
        ("GET", f"{ROOT}/{UNKNOWN}"),
        ("GET", f"{ROOT}/{UNKNOWN}/record"),
        ("POST", f"{ROOT}/retry"),
    ],
)
async def test_only_operators_may_ask(api: Api, method: str, path: str) -> None:
    answer = await api.ask(method, path, headers={"X-Forwarded-For": "192.0.2.1"})
    assert (answer.status, answer.body["error"]["code"]) == (403, "operators_only")

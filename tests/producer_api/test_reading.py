"""What clients see of tasks at every stage of their lives."""

import time
from typing import Any

import orjson
import pytest

from common.result import EXPIRED, ApiError, Result, encode_result
from common.store.claims import Claim, Claimed
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.submissions import Submissions, Written
from common.task import Status, Task, new_task_id
from tests.producer_api.conftest import MAX_IDS, RESULT_TTL_SECONDS
from tests.support.api import Api
from tests.support.redis_client import Redis

NOT_TASKS = ["", "x", "00000000-0000-7000-8000-000000000000", "resp_", "{01a2058f-a149-70d4-86bf-f76ece198e15}", "ü/€"]
ANSWER = {
    "id": "chatcmpl-1",
    "model": "m-1-2026",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Aare, Elbe, Po."}}],
}
USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


async def claimed(leases: Leases, task_id: str, *, now: float) -> Claim:
    task = Task(task_id=task_id, tenant="local", body={}, created_at=now, expires_at=now + 3_600)
    reply = await leases.claim(task, token=new_task_id(), partition=0, offset=0)
    assert isinstance(reply, Claimed)
    return reply.claim


async def finished(leases: Leases, claim: Claim, status: Status, **fields: Any) -> None:
    result = Result(
        task_id=claim.task.task_id,
        tenant="local",
        status=status,
        created_at=claim.task.created_at,
        expires_at=claim.task.expires_at,
        finished_at=claim.started_at + 1,
        **fields,
    )
    await leases.finish(
        claim, status, encode_result(result), finished_at=result.finished_at, failures=0, may_restore=True
    )


async def test_a_queued_task_says_all_there_is_to_say(api: Api) -> None:
    began = time.time()
    [task_id] = await api.submit(["x"], deadline_seconds=60)
    view = await api.task(task_id)
    assert began - 0.01 <= view["created_at"] <= time.time()
    assert view == {
        "task_id": task_id,
        "status": "queued",
        "progress": 0,
        "result": None,
        "error": None,
        "attempts": 0,
        "usage": None,
        "model": None,
        "lane": "interactive",
        "metadata": None,
        "tokens": None,
        "created_at": view["created_at"],
        "started_at": None,
        "finished_at": None,
        "expires_at": pytest.approx(view["created_at"] + 60, abs=0.002),
        "next_retry_at": None,
    }


async def test_a_task_in_a_call_is_processing_at_25_and_shows_its_tokens(api: Api, leases: Leases) -> None:
    [task_id] = await api.submit(["x"])
    claim = await claimed(leases, task_id, now=time.time())
    view = await api.task(task_id)
    assert (view["status"], view["progress"], view["attempts"]) == ("processing", 25, 1)
    assert view["started_at"] == pytest.approx(time.time(), abs=60)
    await leases.progress(claim, 40, tokens=12, may_restore=True)
    view = await api.task(task_id)
    assert (view["status"], view["progress"], view["tokens"]) == ("processing", 40, 12)


async def test_a_task_that_waits_for_its_retry_is_queued_and_says_until_when(api: Api, leases: Leases) -> None:
    [task_id] = await api.submit(["x"])
    claim = await claimed(leases, task_id, now=time.time())
    await leases.release(claim, delay_seconds=500, failures=1, called=True, may_restore=True)
    view = await api.task(task_id)
    assert (view["status"], view["progress"], view["attempts"]) == ("queued", 0, 1)
    assert view["next_retry_at"] == pytest.approx(time.time() + 500, abs=60)


async def test_a_completed_task_has_its_text_usage_model_and_metadata(api: Api, leases: Leases) -> None:
    [task_id] = await api.submit(["x"])
    claim = await claimed(leases, task_id, now=time.time())
    await finished(
        leases,
        claim,
        Status.COMPLETED,
        status_code=200,
        body=orjson.dumps(ANSWER),
        usage=USAGE,
        model="m-1-2026",
        metadata={"customer": "42"},
    )
    view = await api.task(task_id)
    assert (view["status"], view["progress"], view["result"]) == ("completed", 100, "Aare, Elbe, Po.")
    assert (view["usage"], view["model"], view["metadata"]) == (USAGE, "m-1-2026", {"customer": "42"})
    assert (view["error"], view["attempts"]) == (None, 1)
    assert view["finished_at"] == pytest.approx(claim.started_at + 1, abs=0.002)


async def test_an_answer_of_many_kilobytes_comes_back_whole(api: Api, leases: Leases) -> None:
    text = "".join(f"line {number} of the answer\n" for number in range(5_000))
    [task_id] = await api.submit(["x"])
    claim = await claimed(leases, task_id, now=time.time())
    body = orjson.dumps({"choices": [{"message": {"content": text}}]})
    await finished(leases, claim, Status.COMPLETED, status_code=200, body=body)
    assert (await api.task(task_id))["result"] == text


async def test_a_failed_task_has_its_error(api: Api, leases: Leases) -> None:
    [task_id] = await api.submit(["x"])
    claim = await claimed(leases, task_id, now=time.time())
    error = ApiError(message="No such model.", type="invalid_request_error", code="model_not_found", param="model")
    await finished(leases, claim, Status.FAILED, status_code=404, body=b'{"error":{}}', error=error)
    view = await api.task(task_id)
    assert (view["status"], view["result"], view["error"]) == ("failed", None, error.as_json())


async def test_one_task_by_itself_has_the_model_s_whole_answer(api: Api, leases: Leases) -> None:
    [task_id] = await api.submit(["x"])
    assert (await api.ask("GET", f"/v1/tasks/{task_id}")).body["response"] is None
    claim = await claimed(leases, task_id, now=time.time())
    answer = {"choices": [{"message": {"content": None, "tool_calls": [{"id": "1"}]}}]}
    await finished(leases, claim, Status.COMPLETED, status_code=200, body=orjson.dumps(answer))
    view = (await api.ask("GET", f"/v1/tasks/{task_id}")).body
    assert (view["result"], view["response"]) == (None, {"status_code": 200, "body": answer})


async def test_a_task_past_its_time_is_expired_by_being_read(api: Api, redis: Redis, keys: Keys) -> None:
    now = time.time()
    task = Task(task_id=new_task_id(), tenant="local", body={}, created_at=now - 20, expires_at=now - 10)
    submissions = Submissions(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS)
    await submissions.accept([Written(task, 0, 0)])
    view = await api.task(task.task_id)
    assert (view["status"], view["result"]) == ("expired", None)
    assert view["error"] == EXPIRED.as_json()
    assert view["finished_at"] == pytest.approx(time.time(), abs=60)


async def test_a_refused_record_is_no_task(api: Api, redis: Redis, keys: Keys) -> None:
    now = time.time()
    task = Task(task_id=new_task_id(), tenant="local", body={}, created_at=now, expires_at=now + 60)
    await Submissions(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS).refuse([task])
    assert await api.task(task.task_id) == {"task_id": task.task_id, "status": "not_found"}


async def test_another_tenant_s_task_is_not_found(api: Api, redis: Redis, keys: Keys) -> None:
    now = time.time()
    task = Task(task_id=new_task_id(), tenant="other", body={}, created_at=now, expires_at=now + 60)
    await Submissions(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS).accept([Written(task, 0, 0)])
    assert await api.task(task.task_id) == {"task_id": task.task_id, "status": "not_found"}
    answer = await api.ask("GET", f"/v1/tasks/{task.task_id}")
    assert (answer.status, answer.body["error"]["code"]) == (404, "task_not_found")


async def test_tasks_come_in_the_order_asked_and_twice_when_asked_twice(api: Api) -> None:
    first, second = await api.submit(["x", "y"])
    asked = [second, "unknown", first, second, "unknown"]
    views = await api.tasks(asked)
    assert [view["status"] for view in views] == ["queued", "not_found", "queued", "queued", "not_found"]
    assert views[0] == views[3]


async def test_an_id_is_known_in_either_spelling_and_answered_in_its_own(api: Api) -> None:
    [task_id] = await api.submit(["x"])
    as_response = f"resp_{task_id.replace('-', '')}"
    answer = await api.ask("GET", "/v1/tasks", params={"task_ids": f" {as_response} ,{task_id.upper()}"})
    assert [view["task_id"] for view in answer.body["tasks"]] == [task_id, task_id]
    assert (await api.ask("GET", f"/v1/tasks/{as_response}")).body["task_id"] == task_id


async def test_ids_may_come_in_several_parameters(api: Api) -> None:
    first, second = await api.submit(["x", "y"])
    answer = await api.ask("GET", "/v1/tasks", params=[("task_ids", second), ("task_ids", f"{first},z")])
    assert [view["task_id"] for view in answer.body["tasks"]] == [second, first, "z"]


@pytest.mark.parametrize("text", NOT_TASKS[1:])
async def test_what_is_no_id_is_not_found(api: Api, text: str) -> None:
    assert await api.task(text) == {"task_id": text, "status": "not_found"}
    answer = await api.ask("GET", f"/v1/tasks/{text.replace('/', '')}")
    assert answer.status == 404
    assert answer.body["error"]["type"] == "invalid_request_error"
    assert answer.body["error"]["param"] == "task_id"


async def test_one_task_reads_as_in_the_list(api: Api) -> None:
    [task_id] = await api.submit(["x"])
    answer = await api.ask("GET", f"/v1/tasks/{task_id}")
    assert (answer.status, answer.body) == (200, {**await api.task(task_id), "response": None})


async def test_as_many_ids_as_allowed_are_answered_and_no_more(api: Api) -> None:
    task_ids = await api.submit(["x"] * MAX_IDS)
    assert len(await api.tasks(task_ids)) == MAX_IDS
    answer = await api.ask("GET", "/v1/tasks", params={"task_ids": ",".join([*task_ids, "x"])})
    assert (answer.status, answer.body["error"]["param"]) == (400, "task_ids")
    assert f"at most {MAX_IDS} are allowed" in answer.body["error"]["message"]
    assert "PROMPTMILL_API__MAX_IDS_PER_QUERY" in answer.body["error"]["message"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?wait=1", "missing_required_parameter"),
        ("?task_ids=", "missing_required_parameter"),
        ("?task_ids=%20", "missing_required_parameter"),
        ("?task_ids=x,,y", "invalid_value"),
        ("?task_ids=x,", "invalid_value"),
    ],
)
async def test_a_query_without_ids_says_how_to_ask(api: Api, query: str, code: str) -> None:
    answer = await api.ask("GET", f"/v1/tasks{query}")
    assert answer.status == 400
    assert (answer.body["error"]["param"], answer.body["error"]["code"]) == ("task_ids", code)

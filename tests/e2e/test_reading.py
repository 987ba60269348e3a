import uuid

import pytest

from common.settings import RedisSettings
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.redis_client import Redis

DAY_SECONDS = 24 * 3600


async def test_a_query_answers_in_the_order_asked_twice_where_asked_twice_and_not_found_for_unknown_ids(
    deployment: Deployment,
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=4)
    first, second, third = await api.submit(["one", "two", "three"])
    await api.wait_until_completed([first, second, third])
    unknown = str(uuid.uuid4())

    # `tasks` itself checks the order of the ids.
    entries = await api.tasks([third, unknown, first, third, second, unknown])

    assert [entry["status"] for entry in entries] == [
        "completed",
        "not_found",
        "completed",
        "completed",
        "completed",
        "not_found",
    ]
    assert [entry.get("result") for entry in entries] == [
        "echo: three",
        None,
        "echo: one",
        "echo: three",
        "echo: two",
        None,
    ]


async def test_one_task_is_read_by_its_path_and_an_unknown_one_is_404(deployment: Deployment) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=1)
    [task_id] = await api.submit(["hello"])
    await api.wait_until_completed([task_id])

    found = await api.ask("GET", f"/v1/tasks/{task_id}")
    assert found.status == 200
    response = found.body.pop("response")
    assert found.body == await api.task(task_id)
    assert response["status_code"] == 200
    assert response["body"]["choices"][0]["message"]["content"] == found.body["result"]

    missing = await api.ask("GET", f"/v1/tasks/{uuid.uuid4()}")
    assert missing.status == 404
    assert set(missing.body["error"]) == {"message", "type", "param", "code"}


async def test_any_api_reads_what_another_accepted_also_after_that_one_was_killed(deployment: Deployment) -> None:
    first = await deployment.start_api()
    second = await deployment.start_api()
    task_ids = await first.submit(["one", "two"])
    await deployment.apis[0].kill()
    await deployment.start_worker(concurrency=2)
    entries = await second.wait_until_completed(task_ids)
    assert [entry["result"] for entry in entries] == ["echo: one", "echo: two"]


async def test_a_finished_task_expires_a_day_after_its_end_and_no_key_ever_lacks_a_ttl(
    deployment: Deployment, fake_model: FakeModel, redis: Redis, redis_settings: RedisSettings
) -> None:
    async def ttls() -> dict[str, int]:
        keys = [key async for key in redis.scan_iter(match=f"{redis_settings.key_prefix}*")]
        return {key.decode(): await redis.ttl(key) for key in keys}

    api = await deployment.start_api()
    await deployment.start_worker(concurrency=2)
    await fake_model.hold()
    held, queued, failed, large = await api.submit(
        ["held", "queued", "[[status=400]]", f"[[size=5000]] {uuid.uuid4()}"]
    )
    await fake_model.wait_for_in_flight(2)
    unfinished = await ttls()
    assert [task_id for task_id in (held, queued, failed, large) if not any(task_id in key for key in unfinished)] == []
    assert {key: ttl for key, ttl in unfinished.items() if ttl <= 0} == {}

    await fake_model.release_all()
    await api.wait_until_final([held, queued, failed, large])
    finished = await ttls()
    assert {key: ttl for key, ttl in finished.items() if ttl <= 0} == {}
    of_tasks = {
        key: ttl for key, ttl in finished.items() if any(task_id in key for task_id in (held, queued, failed, large))
    }
    assert len(of_tasks) >= 4
    assert list(of_tasks.values()) == [pytest.approx(DAY_SECONDS, abs=120)] * len(of_tasks)

"""What operators see of services that run: workers, overview, lag."""

import json
from pathlib import Path
from typing import Any

from producer_api.operator.monitoring_schemas import OverviewView, WorkerViews
from producer_api.operator.task_schemas import OperatorTaskView, RetriedTasks, TaskRecordView
from tests.cli.running import Finished, run_command
from tests.support.api import Api
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.waiting import until

SECRET = "a-secret-word"


async def workers_of(api: Api) -> list[dict[str, Any]]:
    answer = await api.ask("GET", "/v1/operator/workers")
    assert answer.status == 200, answer
    WorkerViews.model_validate(answer.body)
    workers: list[dict[str, Any]] = answer.body["workers"]
    return workers


async def overview_of(api: Api) -> OverviewView:
    answer = await api.ask("GET", "/v1/operator/overview")
    assert answer.status == 200, answer
    assert SECRET not in str(answer.body)
    return OverviewView.model_validate(answer.body)


async def test_workers_tell_what_they_hold_and_have_done(deployment: Deployment) -> None:
    api = await deployment.start_api()
    await deployment.start_workers(2, concurrency=2)
    ids = await api.submit([SECRET] * 6)
    await api.wait_until_completed(ids)

    async def all_told() -> bool:
        workers = await workers_of(api)
        done = sum(worker["tasks"]["completed"] for worker in workers)
        held = sum(len(worker["partitions"]) for worker in workers)
        lags = [partition["lag"] for worker in workers for partition in worker["partitions"]]
        return len(workers) == 2 and done == 6 and held == 48 and not any(lags)

    await until(all_told, what="every worker's word")
    workers = await workers_of(api)
    assert {worker["state"] for worker in workers} == {"working"}
    assert {worker["concurrency"] for worker in workers} == {2}
    assert sum(worker["call_seconds"]["count"] for worker in workers) == 6
    assert SECRET not in str(workers)

    async def summed() -> bool:
        window = (await overview_of(api)).window
        return (window.accepted, window.tasks["completed"], window.calls.get("answered")) == (6, 6, 6)

    await until(summed, what="the sums of the minutes")
    overview = await overview_of(api)
    assert (overview.workers.working, overview.workers.slots) == (2, 4)
    assert overview.window.tokens["output"] > 0
    assert len(overview.minutes) == 60
    assert overview.backlog == {"interactive": 0, "batch": 0}


async def test_a_worker_that_leaves_is_gone_and_one_that_is_killed_falls_silent(deployment: Deployment) -> None:
    api = await deployment.start_api()
    leaving, dying = await deployment.start_workers(2, concurrency=1)

    async def states() -> list[str]:
        return [worker["state"] for worker in await workers_of(api)]

    async def both() -> bool:
        return await states() == ["working", "working"]

    await until(both, what="two workers")
    leaving.terminate()
    assert await leaving.exit_status() == 0
    assert await states() == ["working"]
    await dying.kill()

    async def silent() -> bool:
        return await states() == ["silent"]

    await until(silent, what="a silent worker")


async def test_the_backlog_is_seen_without_any_worker(deployment: Deployment) -> None:
    api = await deployment.start_api()
    await api.submit(["x"] * 5, lane="batch")

    async def counted() -> bool:
        return (await overview_of(api)).backlog == {"interactive": 0, "batch": 5}

    await until(counted, what="the backlog")


async def story_of(api: Api, task_id: str) -> OperatorTaskView:
    answer = await api.ask("GET", f"/v1/operator/tasks/{task_id}")
    assert answer.status == 200, answer
    return OperatorTaskView.model_validate(answer.body)


async def retried(api: Api, *task_ids: str) -> list[tuple[str, int | None]]:
    answer = await api.ask("POST", "/v1/operator/tasks/retry", json={"task_ids": list(task_ids)})
    assert answer.status == 200, answer
    assert [entry["task_id"] for entry in answer.body["tasks"]] == list(task_ids)
    return [(entry["status"], entry["run"]) for entry in RetriedTasks.model_validate(answer.body).model_dump()["tasks"]]


async def test_a_failed_task_is_told_with_its_attempts_and_completes_when_it_is_retried(
    deployment: Deployment, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=2, llm__retry_base_seconds=0, tasks__max_attempts=2)
    await fake_model.behave(status=500)
    [task_id] = await api.submit([SECRET], lane="batch")
    [failed] = await api.wait_until_final([task_id])
    assert failed["status"] == "failed"
    story = await story_of(api, task_id)
    assert [(one.event, one.attempt, one.outcome) for one in story.timeline] == [
        ("accepted", None, None),
        ("attempt", 1, "model_error"),
        ("attempt", 2, "failed"),
        ("failed", None, None),
    ]
    attempts = story.timeline[1:3]
    assert {one.worker for one in attempts} == {story.worker}
    assert story.record is not None
    assert story.record.topic.endswith("tasks.batch")
    assert {(one.topic, one.partition, one.offset) for one in attempts} == {
        (story.record.topic, story.record.partition, story.record.offset)
    }
    record = await api.ask("GET", f"/v1/operator/tasks/{task_id}/record")
    shown = TaskRecordView.model_validate(record.body)
    assert (shown.offset, shown.value["task_id"]) == (story.record.offset, task_id)
    assert shown.value["body"]["messages"] == [{"role": "user", "content": SECRET}]

    await fake_model.behave()
    assert await retried(api, task_id) == [("started", 2)]
    [entry] = await api.wait_until_completed([task_id])
    assert entry["attempts"] == 1
    assert await retried(api, task_id) == [("completed", 2)]
    runs = [(one.run, one.attempt) for one in (await story_of(api, task_id)).timeline if one.event == "attempt"]
    assert runs == [(1, 1), (1, 2), (2, 1)]


async def test_only_what_ended_without_an_answer_is_retried_and_once_however_often_it_is_asked_for(
    deployment: Deployment, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    cancelled, queued = await api.submit(["cancelled", "queued"])
    await api.ask("POST", f"/v1/tasks/{cancelled}/cancel")
    unknown = "01890000-0000-7000-8000-000000000000"
    # Nobody said that the store is whole: no worker was here yet.
    answer = await api.ask("POST", "/v1/operator/tasks/retry", json={"task_ids": [cancelled]})
    assert (answer.status, answer.body["error"]["code"]) == (503, "store_rebuilding")
    await deployment.start_worker(concurrency=1)
    await api.wait_until_completed([queued])
    assert await retried(api, cancelled, unknown, queued) == [("started", 2), ("not_found", None), ("completed", 1)]
    assert (await retried(api, cancelled))[0][0] in {"again", "moved", "unfinished", "completed"}
    await api.wait_until_completed([cancelled])
    calls = [call.prompt for call in await fake_model.calls()]
    assert sorted(calls) == ["cancelled", "queued"]


async def test_the_command_line_lists_tasks_and_workers_and_retries(
    deployment: Deployment, fake_model: FakeModel, tmp_path: Path
) -> None:
    api = await deployment.start_api()

    async def run(*arguments: str) -> Finished:
        return await run_command(*arguments, folder=tmp_path, environ={"PROMPTMILL_API_URL": api.url})

    nobody = await run("workers")
    assert (nobody.status, nobody.output) == (1, "no worker was heard of in the last minute\n")
    await deployment.start_worker(concurrency=3)
    await fake_model.behave(status=400)
    failed = await api.submit(["no"] * 2, lane="batch", model="m")
    await api.wait_until_final(failed)
    await fake_model.behave()
    done = await api.submit(["yes"])
    await api.wait_until_completed(done)

    listed = await run("tasks", "--json")
    assert [json.loads(line)["task_id"] for line in listed.output.splitlines()] == [*done, *failed[::-1]]
    some = await run("tasks", "--status", "failed", "--status", "expired", "--lane", "batch", "--limit", "1")
    assert some.status == 0
    assert failed[1] in some.output
    assert f"more: --after {failed[1]}" in some.errors
    rest = await run("tasks", "--model", "m", "--after", failed[1], "--json")
    assert [json.loads(line)["task_id"] for line in rest.output.splitlines()] == failed[:1]
    assert "no tasks" in (await run("tasks", "--status", "cancelled")).errors
    mixed = await run("tasks", done[0], "--status", "failed")
    assert (mixed.status, mixed.output) == (2, "")
    assert "not both" in mixed.errors

    retry = await run("retry", *failed)
    assert retry.status == 0
    assert [line.split()[0] for line in retry.output.splitlines()] == failed
    assert "2 started" in retry.errors
    await api.wait_until_completed(failed)
    again = await run("retry", failed[0], "--json")
    assert (again.status, json.loads(again.output)["status"]) == (1, "completed")

    workers = await run("workers")
    assert workers.status == 0
    [_, line] = workers.output.splitlines()
    assert "working" in line
    assert "0/3" in line
    [shown] = [json.loads(line) for line in (await run("workers", "--json")).output.splitlines()]
    assert (shown["state"], len(shown["partitions"])) == ("working", 48)

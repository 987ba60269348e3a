"""Dead letters and what becomes of them, through the command line and the services themselves."""

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from tests.cli.running import Finished, run_command
from tests.support.api import Api
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.waiting import until

Command = Callable[..., Coroutine[Any, Any, Finished]]


@pytest.fixture
async def api(deployment: Deployment) -> Api:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=20, llm__retry_base_seconds=0, tasks__max_attempts=2)
    return api


@pytest.fixture
def dead_letters(api: Api, tmp_path: Path) -> Command:
    async def run(*arguments: str) -> Finished:
        return await run_command("dead-letters", *arguments, folder=tmp_path, environ={"PROMPTMILL_API_URL": api.url})

    return run


def entries(run: Finished) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.output.splitlines()]


async def failed(api: Api, view: KafkaView, prompts: list[str]) -> list[str]:
    """Submit prompts that fail, and wait until their letters are written."""
    task_ids = await api.submit(prompts)
    assert {entry["status"] for entry in await api.wait_until_final(task_ids)} == {"failed"}
    await view.wait_until_committed()
    return task_ids


async def test_a_task_that_failed_completes_after_a_redrive_and_redriving_twice_makes_one_more_call(
    api: Api, dead_letters: Command, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    await fake_model.behave(status=400)
    [task_id] = await failed(api, kafka_view, ["once more"])
    listed = await dead_letters("list", "--json", "--since", "1h")
    [letter] = entries(listed)
    assert (letter["task_id"], letter["run"], letter["error_code"]) == (task_id, 1, "rejected_by_model")
    shown = await dead_letters("show", letter["id"], task_id)
    assert shown.output.count('"content": "once more"') == 2

    await fake_model.behave()
    dry = await dead_letters("redrive", task_id, "--dry-run", "--json")
    assert [item["status"] for item in entries(dry)] == ["started"]
    assert (await api.task(task_id))["status"] == "failed"
    redriven = await dead_letters("redrive", letter["id"], "--json")
    assert redriven.status == ExitCode.OK
    assert [(item["status"], item["run"]) for item in entries(redriven)] == [("started", 2)]
    [entry] = await api.wait_until_completed([task_id])
    assert (entry["result"], entry["attempts"]) == ("echo: once more", 1)

    again = await dead_letters("redrive", "--all", "--json")
    assert [(item["status"], item["run"]) for item in entries(again)] == [("moved", 2)]
    await kafka_view.wait_until_committed()
    assert [call.status for call in await fake_model.calls()] == [400, 200]


async def test_two_redrives_before_a_worker_comes_make_one_call(
    api: Api, dead_letters: Command, deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    await fake_model.behave(status=400)
    [task_id] = await failed(api, kafka_view, ["once more"])
    await fake_model.behave()
    await deployment.workers[0].stop()
    for status in ("started", "again"):
        assert [item["status"] for item in entries(await dead_letters("redrive", task_id, "--json"))] == [status]
    await deployment.start_worker(concurrency=20)
    await api.wait_until_completed([task_id])
    await kafka_view.wait_until_committed()
    assert [call.status for call in await fake_model.calls()] == [400, 200]
    results = await kafka_view.records(kafka_view.topics.results)
    assert {(json.loads(record.value)["run"], json.loads(record.value)["status"]) for record in results} == {
        (1, "failed"),
        (2, "completed"),
    }


async def test_many_are_redriven_by_what_was_wrong_and_what_fails_again_is_a_letter_again(
    api: Api, dead_letters: Command, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    rejected = await failed(api, kafka_view, [f"bad {number} [[status=400]]" for number in range(20)])
    await fake_model.behave(status=500)
    outage = await failed(api, kafka_view, [f"good {number}" for number in range(250)])
    await fake_model.behave()
    run = await dead_letters("redrive", "--error-code", "model_error")
    assert run.status == ExitCode.OK
    assert run.errors.splitlines()[-1] == "250 started"
    await api.wait_until_completed(outage)
    assert {entry["status"] for entry in await api.tasks(rejected)} == {"failed"}

    everything = await dead_letters("redrive", "--all", "--json")
    counts = [item["status"] for item in entries(everything)]
    assert (counts.count("moved"), counts.count("started")) == (250, 20)
    await api.wait_until_final(rejected)
    await kafka_view.wait_until_committed()

    async def have_two_letters() -> bool:
        letters = entries(await dead_letters("list", "--json", "--limit", "1000", "--error-code", "rejected_by_model"))
        return sorted(letter["run"] for letter in letters) == [1] * 20 + [2] * 20

    await until(have_two_letters, what="letters of both runs")


async def test_a_record_that_is_no_task_is_shown_and_cannot_be_redriven(
    dead_letters: Command, kafka_view: KafkaView
) -> None:
    await kafka_view.write(kafka_view.topics.interactive, [(0, b"garbage \x1b[2J")])
    await kafka_view.wait_until_committed()
    [letter] = entries(await dead_letters("list", "--json"))
    shown = await dead_letters("show", letter["id"])
    assert shown.output.endswith("garbage \\x1b[2J\n")
    redriven = await dead_letters("redrive", "--reason", "JSON")
    assert redriven.status == ExitCode.NOT_COMPLETED
    assert "unreadable" in redriven.output

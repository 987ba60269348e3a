"""`promptmill submit` and `promptmill tasks` against the services themselves."""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cli.exit_codes import ExitCode
from tests.cli.running import Finished, finish, run_command, start_command
from tests.support.api import Api
from tests.support.backend import (
    kafka_settings_for,
    redis_settings_for,
    topics_deleted_afterwards,
    unique_prefix,
)
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, running_fake_model
from tests.support.processes import LiveProcess, running_processes
from tests.support.servers import free_ports


class Promptmill:
    """The commands, run in a folder and told by their environment where the API is; and what is behind it."""

    def __init__(self, api: Api, api_process: LiveProcess, model: FakeModel, folder: Path) -> None:
        self.api = api
        self.api_process = api_process
        self.model = model
        self.folder = folder
        self.environ = {"PROMPTMILL_API_URL": api.url}

    async def run(self, *arguments: str, stdin: bytes = b"") -> Finished:
        return await run_command(*arguments, folder=self.folder, environ=self.environ, stdin=stdin)


@pytest.fixture(scope="module")
async def services(
    kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Promptmill]:
    """One API and one worker for all tests of this module: starting them takes longer than most tests."""
    folder = tmp_path_factory.mktemp("commands")
    async with AsyncExitStack() as parts:
        kafka = kafka_settings_for(kafka_bootstrap, unique_prefix())
        model = await parts.enter_async_context(running_fake_model())
        deployment = Deployment(
            kafka=await parts.enter_async_context(topics_deleted_afterwards(kafka)),
            processes=await parts.enter_async_context(running_processes()),
            ports=await parts.enter_async_context(free_ports()),
            session=await parts.enter_async_context(aiohttp.ClientSession()),
            redis=redis_settings_for(redis_url, unique_prefix()),
            model_url=model.base_url,
            folder=folder,
        )
        api = await deployment.start_api()
        await deployment.start_worker(concurrency=20)
        yield Promptmill(api, deployment.apis[0], model, folder)


@pytest.fixture
async def promptmill(services: Promptmill) -> AsyncIterator[Promptmill]:
    yield services
    await services.model.behave()
    await services.model.release_all()


def entries(run: Finished) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.output.splitlines()]


async def test_answers_come_in_the_order_of_the_prompts(promptmill: Promptmill) -> None:
    run = await promptmill.run("submit", "one [[latency=0.5]]", "two")
    assert run.status == ExitCode.OK
    assert run.output == "[1/2] one [[latency=0.5]]\necho: one [[latency=0.5]]\n\n[2/2] two\necho: two\n"
    lines = run.errors.splitlines()
    assert lines[0] == f"API {promptmill.api.url} (from PROMPTMILL_API_URL)"
    assert any(line.startswith("[2/2] completed 100%, 1 attempt") for line in lines)


async def test_one_answer_stands_alone_on_standard_output(promptmill: Promptmill) -> None:
    assert (await promptmill.run("submit", "one")).output == "echo: one\n"


async def test_jsonl_goes_in_and_comes_out(promptmill: Promptmill) -> None:
    chat = {"messages": [{"role": "user", "content": "où"}], "model": "other", "metadata": {"row": "7"}}
    lines = f"{json.dumps('one')}\n{json.dumps(chat)}\n"
    run = await promptmill.run("submit", "--lane", "batch", stdin=lines.encode())
    assert run.status == ExitCode.OK
    one, two = entries(run)
    assert (one["status"], one["result"], one["lane"]) == ("completed", "echo: one", "batch")
    assert (two["result"], two["metadata"], two["progress"]) == ("echo: où", {"row": "7"}, 100)


async def test_a_task_that_fails_is_said_in_its_place(promptmill: Promptmill) -> None:
    run = await promptmill.run("submit", "good", "bad [[error-code=model_not_found]]")
    assert run.status == ExitCode.NOT_COMPLETED
    good, bad = run.output.split("\n\n")
    assert good == "[1/2] good\necho: good"
    assert bad.splitlines()[1].startswith("(failed: ")
    assert "[2/2] failed" in run.errors


async def test_many_prompts_of_a_file_are_all_answered_in_order(promptmill: Promptmill) -> None:
    prompts = [f"prompt {number}" for number in range(600)]
    (promptmill.folder / "prompts.txt").write_text("\n".join(prompts))
    before = (await promptmill.model.stats()).calls
    run = await promptmill.run("submit", "-f", "prompts.txt", "--json")
    assert run.status == ExitCode.OK
    assert [entry["result"] for entry in entries(run)] == [f"echo: {prompt}" for prompt in prompts]
    assert run.errors.splitlines()[-1] == "600 of 600 done: 600 completed"
    assert (await promptmill.model.stats()).calls - before == len(prompts)


async def test_ids_printed_without_waiting_are_read_by_tasks(promptmill: Promptmill) -> None:
    submitted = await promptmill.run("submit", "one", "two", "--no-wait")
    assert submitted.status == ExitCode.OK
    task_ids = submitted.output.split()
    watched = await promptmill.run("tasks", "--watch", "-f", "-", "--json", stdin=submitted.output.encode())
    assert watched.status == ExitCode.OK
    assert [(entry["task_id"], entry["result"]) for entry in entries(watched)] == [
        (task_ids[0], "echo: one"),
        (task_ids[1], "echo: two"),
    ]
    table = await promptmill.run("tasks", task_ids[1], f"{task_ids[0]},{task_ids[1]}")
    assert table.status == ExitCode.OK
    heading, *lines = table.output.splitlines()
    assert heading.split() == ["task", "status", "progress", "tries", "took"]
    assert [line.split()[:2] for line in lines[::2]] == [[task_ids[1], "completed"], [task_ids[0], "completed"]]
    assert [line.split()[2:] for line in lines[1::2]] == [["echo:", "two"], ["echo:", "one"]]


async def test_a_task_that_is_not_known_is_not_completed(promptmill: Promptmill) -> None:
    run = await promptmill.run("tasks", "--watch", "01970000-0000-7000-8000-000000000000")
    assert run.status == ExitCode.NOT_COMPLETED
    assert "not_found" in run.output


async def test_ctrl_c_says_how_to_go_on_and_the_tasks_go_on(promptmill: Promptmill) -> None:
    await promptmill.model.hold()
    process = await start_command("submit", "one", "two", folder=promptmill.folder, environ=promptmill.environ)
    await promptmill.model.wait_for_in_flight(2)
    assert process.stderr is not None
    said = b""
    while b"processing" not in said:
        said += await process.stderr.readline()
    process.send_signal(signal.SIGINT)
    run = await finish(process)
    assert (run.status, run.output) == (ExitCode.INTERRUPTED, "")
    last = run.errors.splitlines()[-1]
    assert last.startswith("promptmill watch ")
    task_ids = last.split()[2:]
    assert {entry["status"] for entry in await promptmill.api.tasks(task_ids)} == {"processing"}
    await promptmill.model.release_all()
    watched = await promptmill.run(*last.split()[1:])
    assert watched.status == ExitCode.OK
    assert "echo: two" in watched.output


async def test_an_api_that_goes_and_comes_back_is_waited_for(promptmill: Promptmill) -> None:
    await promptmill.model.hold()
    process = await start_command("submit", "one", folder=promptmill.folder, environ=promptmill.environ)
    await promptmill.model.wait_for_in_flight(1)
    assert process.stderr is not None
    said = b""
    while b"processing" not in said:
        said += await process.stderr.readline()
    await promptmill.api_process.kill()
    while b"does not answer" not in said:
        said += await process.stderr.readline()
    await promptmill.model.release_all()
    await promptmill.api_process.start()
    run = await finish(process)
    assert (run.status, run.output) == (ExitCode.OK, "echo: one\n")
    assert "answers again" in run.errors


async def test_a_prompt_that_the_api_does_not_take_is_one_line_with_its_number(promptmill: Promptmill) -> None:
    run = await promptmill.run("submit", "good", " ")
    assert run.status == ExitCode.USAGE
    assert run.errors.splitlines()[-1].startswith("promptmill: ")
    assert "prompt 2" in run.errors
    assert "Traceback" not in run.errors


async def test_a_deadline_that_passes_is_an_answer_too(promptmill: Promptmill) -> None:
    await promptmill.model.hold()
    run = await promptmill.run("submit", "one", "--deadline-seconds", "1")
    assert run.status == ExitCode.NOT_COMPLETED
    assert run.output.startswith("(expired")


async def test_a_list_of_dead_letters_that_goes_on_behind_the_end_ends(promptmill: Promptmill) -> None:
    run = await promptmill.run("dead-letters", "list", "--after", f"0.{10**17}.{10**18 - 1}")
    assert (run.status, run.output) == (ExitCode.OK, "")
    assert run.errors.splitlines()[-1] == "no dead letters"


async def test_tasks_are_cancelled_by_id_and_by_file(promptmill: Promptmill) -> None:
    await promptmill.model.hold()
    task_ids = await promptmill.api.submit(["one", "two"])
    run = await promptmill.run("cancel", "--json", task_ids[1], "-f", "-", stdin=task_ids[0].encode())
    assert run.status == ExitCode.OK
    assert [(entry["task_id"], entry["status"]) for entry in entries(run)] == [
        (task_ids[1], "cancelled"),
        (task_ids[0], "cancelled"),
    ]
    await promptmill.model.wait_for_in_flight(0)


async def test_what_could_not_be_cancelled_is_said_by_the_exit_status(promptmill: Promptmill) -> None:
    [completed] = await promptmill.api.submit(["one"])
    await promptmill.api.wait_until_completed([completed])
    unknown = "01970000-0000-7000-8000-000000000000"
    run = await promptmill.run("cancel", completed, unknown)
    assert run.status == ExitCode.NOT_COMPLETED
    lines = run.output.splitlines()[1:]
    assert lines[0].split()[:2] == [completed, "completed"]
    assert [unknown, "not_found"] in [line.split()[:2] for line in lines]

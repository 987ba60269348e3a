"""`cat prompts.jsonl | promptmill submit > answers.jsonl`, interrupted and given again."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from common.settings import KafkaSettings, RedisSettings
from tests.cli.running import finish, run_command, start_command
from tests.e2e.conftest import Deploy
from tests.support.fake_model import FakeModel, fake_model_process

PROMPTS = 5_000
FED_AT_FIRST = 2_600
HELD = 3_000


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    """A model on a processor of its own."""
    async with fake_model_process(latency=0.01) as model:
        yield model


def prompt_of(number: int) -> str:
    return f"prompt {number}{' [[hold]]' if number == HELD else ''}"


@pytest.mark.timeout(600)
async def test_five_thousand_prompts_interrupted_twice_are_each_called_once_and_answered_in_order(
    deploy: Deploy, kafka: KafkaSettings, redis_settings: RedisSettings, model: FakeModel, tmp_path: Path
) -> None:
    deployment = deploy(kafka, redis_settings, model)
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=100)
    environ = {"PROMPTMILL_API_URL": api.url}
    lines = [
        json.dumps({"custom_id": f"row-{number}", "prompt": prompt_of(number)}).encode() + b"\n"
        for number in range(PROMPTS)
    ]

    # In the middle of the input, of which no more comes.
    first = await start_command("submit", "--wait", folder=tmp_path, environ=environ)
    assert first.stdin is not None
    assert first.stdout is not None
    assert first.stderr is not None
    # A pipe that nobody reads would halt it.
    reading = asyncio.gather(first.stdout.read(), first.stderr.read())
    first.stdin.writelines(lines[:FED_AT_FIRST])
    await first.stdin.drain()
    await model.wait_for_calls(1_000, deadline=120)
    first.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):
        assert await first.wait() == ExitCode.INTERRUPTED
    first.stdin.close()
    begun, said = [content.decode() for content in await reading]
    assert "accepted tasks go on without this command" in said
    assert "the same input again" in said
    assert "Traceback" not in said

    # In the middle of the answers: one of them does not come.
    (tmp_path / "prompts.jsonl").write_bytes(b"".join(lines))
    second = await start_command("submit", "--file", "prompts.jsonl", folder=tmp_path, environ=environ)
    assert second.stdout is not None
    answered = [await second.stdout.readline() for _ in range(HELD)]
    second.send_signal(signal.SIGINT)
    run = await finish(second)
    assert run.status == ExitCode.INTERRUPTED
    assert run.output == ""
    assert "the same input again" in run.errors

    await model.release_prompt(prompt_of(HELD))
    third = await run_command("submit", folder=tmp_path, environ=environ, stdin=b"".join(lines))
    assert third.status == ExitCode.OK
    answers = third.output.encode().splitlines(keepends=True)
    assert [json.loads(answer)["custom_id"] for answer in answers] == [f"row-{number}" for number in range(PROMPTS)]
    assert [json.loads(answer)["result"] for answer in answers] == [
        f"echo: {prompt_of(number)}" for number in range(PROMPTS)
    ]
    assert answers[:HELD] == answered
    assert [json.loads(line)["task_id"] for line in begun.splitlines()] == [
        json.loads(answer)["task_id"] for answer in answers[: len(begun.splitlines())]
    ]
    assert third.errors.splitlines()[-1] == f"{PROMPTS} of {PROMPTS} done: {PROMPTS:,} completed"

    calls = await model.calls_by_prompt()
    assert len(calls) == PROMPTS
    assert set(calls.values()) == {1}

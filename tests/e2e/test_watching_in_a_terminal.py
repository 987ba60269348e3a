"""What a person sees of `promptmill submit` and `watch` in a terminal."""

import os
import re
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from tests.support.api import Api
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.terminal import TerminalProgram, in_terminal
from tests.support.waiting import until

BAR = "[━─]{12}"


@pytest.fixture
async def api(deployment: Deployment) -> Api:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=3)
    return api


def promptmill(api: Api, folder: Path, *arguments: str) -> AbstractAsyncContextManager[TerminalProgram]:
    environ = {name: os.environ[name] for name in ("HOME", "PATH", "PYTHONPATH") if name in os.environ}
    environ["PROMPTMILL_API_URL"] = api.url
    return in_terminal((sys.executable, "-m", "cli", *arguments), folder=folder, environ=environ)


def newest_word(pane: list[str]) -> int:
    """The number of the last word on the screen, which has room for the end of a text alone."""
    return max((int(number) for line in pane for number in re.findall(r"word-(\d+)", line)), default=-1)


async def test_of_four_prompts_with_three_slots_three_run_and_one_waits_until_one_is_answered(
    api: Api, fake_model: FakeModel, tmp_path: Path
) -> None:
    await fake_model.hold()
    prompts = [f"prompt {number}" for number in range(4)]
    async with promptmill(api, tmp_path, "submit", *prompts) as program:
        await fake_model.wait_for_in_flight(3)
        pane = await program.wait_for(r"(?s)processing.*processing.*processing", "queued")
        rows = [line for line in pane if line.startswith("prompt ")]
        assert len(rows) == 4
        shape = rf"prompt \d +{BAR} +(0|25)%  (queued|processing) +[01] attempts? +\d+(\.\d)? s"
        assert all(re.fullmatch(shape, row) for row in rows)
        assert sorted(row.split()[4] for row in rows) == ["processing", "processing", "processing", "queued"]
        # A time that goes on is repainted in its place.
        await program.wait_for(r"prompt 0 .* [1-9](\.\d)? s")
        await fake_model.release(1)
        pane = await program.wait_for(r"completed", r"(?s)processing.*processing.*processing")
        assert len([line for line in pane if line.startswith("prompt ")]) == 4
        await fake_model.release_all()
        assert await program.exit_status() == ExitCode.OK
        pane = await program.wait_for(r"(?m)^echo: prompt 3$")
    # The panel stays once, as it was last, and the answers stand below it.
    assert [line.split()[4] for line in pane if re.match(rf"prompt \d +{BAR}", line)] == ["completed"] * 4
    assert [line for line in pane if line.startswith("echo")] == [f"echo: {prompt}" for prompt in prompts]


async def test_a_text_is_seen_as_it_is_written_and_ctrl_c_leaves_the_task_to_itself(
    api: Api, fake_model: FakeModel, tmp_path: Path
) -> None:
    await fake_model.behave(chunk_latency_seconds=0.05)
    words = " ".join(f"word-{number}" for number in range(4_000))
    [task_id] = await api.submit([{"messages": [{"role": "user", "content": words}], "stream": True}])
    async with promptmill(api, tmp_path, "watch", task_id) as program:
        first = newest_word(await program.wait_for(task_id[:20], "processing", r"word-\d+"))
        await until(lambda: newest_word(program.panes[-1]) > first, what="more of the text on the screen")
        program.press(b"\x03")
        assert await program.exit_status() == ExitCode.INTERRUPTED
        assert all("Traceback" not in line for pane in program.panes for line in pane)
    assert (await api.tasks([task_id]))[0]["status"] == "processing"

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.answering_api import answering_api

LINES = 100_000
ANSWER_BYTES = 1_000
# What the command takes by itself, and a window of answers; all of them at once would be twice that.
MOST_BYTES = 130_000_000

MEASURING = """
import resource, subprocess, sys
with open(sys.argv[1], "wb") as output:
    status = subprocess.run(sys.argv[2:], stdout=output, stderr=subprocess.DEVNULL).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


@pytest.mark.timeout(600)
async def test_a_hundred_thousand_lines_go_through_in_little_memory(tmp_path: Path) -> None:
    prompts, answers = tmp_path / "prompts.jsonl", tmp_path / "answers.jsonl"
    with prompts.open("w") as lines:
        lines.writelines(
            json.dumps({"custom_id": f"row-{n}", "prompt": f"p{n} {'x' * 200}"}) + "\n" for n in range(LINES)
        )
    environ = {name: os.environ[name] for name in ("HOME", "PATH", "PYTHONPATH") if name in os.environ}
    async with answering_api(answer_size=ANSWER_BYTES) as api:
        command = (sys.executable, "-m", "cli", "submit", "--file", str(prompts), "--api", api.url)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MEASURING, str(answers), *command), env=environ, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    status, peak = map(int, output.split())
    assert status == 0
    with answers.open() as lines:
        written = [json.loads(line)["custom_id"] for line in lines]
    assert written == [f"row-{number}" for number in range(LINES)]
    assert answers.stat().st_size > LINES * ANSWER_BYTES
    assert peak < MOST_BYTES

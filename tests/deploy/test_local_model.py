"""Compose's profile `local-llm`: who has no key is answered by the small model."""

from pathlib import Path

import aiohttp
import pytest

from cli.stack.ports import Ports
from tests.deploy.project import own_project
from tests.support.api import Api
from tests.support.docker import CommandLine

pytestmark = pytest.mark.docker


@pytest.mark.usefixtures("images")
async def test_without_a_key_the_small_model_answers(
    docker: CommandLine, ports: Ports, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    # Empty counts as not set, as in a copy of .env.example.
    nothing = {"OPENAI_API_KEY": "", "PROMPTMILL_LLM__BASE_URL": "", "PROMPTMILL_LLM__MODEL": ""}
    async with own_project(docker, ports, tmp_path, {**nothing, "COMPOSE_PROFILES": "local-llm"}) as project:
        await project.compose.build("model")
        await project.compose.up()
        api = Api(project.api_url, session)
        messages = [[{"role": "user", "content": f"Name river {number}."}] for number in range(4)]
        task_ids = await api.submit([{"messages": each, "max_tokens": 16} for each in messages])
        entries = await api.wait_until_completed(task_ids, deadline=240)
    assert all(entry["result"].strip() for entry in entries)
    assert [entry["attempts"] for entry in entries] == [1] * 4

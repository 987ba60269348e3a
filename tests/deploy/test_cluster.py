"""Three brokers by `deploy/compose/cluster.env`."""

from pathlib import Path

import aiohttp
import pytest

from cli.stack.ports import Ports
from tests.deploy.project import model_beside, own_project
from tests.deploy.test_compose_agrees import CLUSTER, variables
from tests.support.api import Api
from tests.support.docker import CommandLine

pytestmark = pytest.mark.docker

_PROMPTS = 100
# The one that all ask first.
_KILLED = "kafka"


@pytest.mark.usefixtures("images")
async def test_one_broker_in_three_may_be_killed(
    docker: CommandLine, ports: Ports, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    more = variables(CLUSTER) | {
        "COMPOSE_PROFILES": "cluster",
        "KAFKA_2_PORT": str(ports.free()),
        "KAFKA_3_PORT": str(ports.free()),
    }
    async with (
        own_project(docker, ports, tmp_path, more) as project,
        model_beside(project.network, docker, ports, session) as model,
    ):
        await project.compose.up()
        api = Api(project.api_url, session)
        await model.behave(latency_seconds=0.3)
        task_ids = await api.submit([f"before {number}" for number in range(_PROMPTS)])
        await model.wait_for_calls(1)
        [broker] = await project.compose.containers(_KILLED)
        await docker.run("docker", "kill", broker.name)
        # An API may say 503 until another broker leads, and then it takes prompts again.
        await api.wait_until_completed(task_ids, deadline=240)
        later = await api.submit([f"after {number}" for number in range(_PROMPTS)])
        await api.wait_until_completed(later, deadline=240)
        stats = await model.stats()
        assert (stats.calls, stats.most_calls_of_one_prompt) == (2 * _PROMPTS, 1)

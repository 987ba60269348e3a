"""Compose's profile `metrics`: Prometheus finds every replica, and can evaluate what alerts and dashboard ask."""

from typing import Any

import aiohttp
import pytest

from tests.deploy.compose import Compose
from tests.deploy.project import Project
from tests.deploy.test_metrics_shown import FILES, alert_expressions, dashboard_expressions
from tests.support.api import Api
from tests.support.docker import CommandLine
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.waiting import until

pytestmark = pytest.mark.docker

_IMAGE = "promptmill-test-prometheus"
_BUILD_SECONDS = 600.0
# A name is looked up, a target scraped and a rule evaluated each 10 s.
_SEEN_SECONDS = 180.0


class Prometheus:
    """A client of Prometheus's API."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def ask(self, path: str, **parameters: str) -> Any:
        """Return what is answered to a question that it understands."""
        async with self._session.get(f"{self._url}/api/v1/{path}", params=parameters) as response:
            answer = await response.json()
            assert answer["status"] == "success", answer
            return answer["data"]

    async def targets(self) -> list[tuple[str, str]]:
        """Return each target's job and health."""
        active = (await self.ask("targets"))["activeTargets"]
        return sorted((target["labels"]["job"], target["health"]) for target in active)

    async def rule_health(self) -> list[str]:
        """Return what became of each rule when it was evaluated last."""
        groups = (await self.ask("rules"))["groups"]
        return [rule["health"] for group in groups for rule in group["rules"]]

    async def value(self, expression: str) -> float:
        """Return the value of an expression that has one; 0 where it has none yet."""
        result = (await self.ask("query", query=expression))["result"]
        return float(result[0]["value"][1]) if result else 0.0


@pytest.fixture
async def prometheus(
    docker: CommandLine, project: Project, compose: Compose, view: KafkaView, session: aiohttp.ClientSession
) -> Prometheus:
    """Prometheus beside an API and two workers."""
    file = "tests/deploy/prometheus.Dockerfile"
    await docker.run("docker", "build", "--tag", _IMAGE, "--file", file, "tests/deploy", deadline=_BUILD_SECONDS)
    await compose.up("consumer", "prometheus", consumers=2)
    await view.wait_for_workers(2)
    return Prometheus(project.prometheus_url, session)


async def test_every_replica_is_scraped_and_all_that_is_asked_can_be_answered(
    prometheus: Prometheus, api: Api, model: FakeModel
) -> None:
    await api.wait_until_completed(await api.submit(["measured 1", "measured 2", "measured 3"]))
    assert (await model.stats()).calls == 3
    replicas = [("promptmill-api", "up"), *[("promptmill-consumer", "up")] * 2]

    async def all_are_scraped() -> bool:
        return await prometheus.targets() == replicas

    async def prompts_are_counted() -> bool:
        # Others were accepted before, of tests that ran in this project.
        return await prometheus.value("sum(promptmill_api_prompts_accepted_total)") >= 3

    async def alerts_are_evaluated() -> bool:
        health = await prometheus.rule_health()
        return health == ["ok"] * len(alert_expressions(FILES / "alerts.yml"))

    for condition in (all_are_scraped, prompts_are_counted, alerts_are_evaluated):
        await until(condition, deadline=_SEEN_SECONDS, what=condition.__name__, ignoring=(aiohttp.ClientError,))
    for expression in dashboard_expressions(FILES / "dashboard.json"):
        await prometheus.ask("query", query=expression.replace("$__rate_interval", "1m"))

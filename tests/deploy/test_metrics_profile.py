"""Compose's profile `metrics`: its Prometheus finds every replica by name, and has our alerts."""

import aiohttp
import pytest

from tests.deploy.compose import Compose
from tests.deploy.project import Project
from tests.deploy.test_alerts import ALERTS
from tests.support.docker import CommandLine
from tests.support.kafka_view import KafkaView
from tests.support.prometheus import Prometheus
from tests.support.waiting import until

pytestmark = pytest.mark.docker

_IMAGE = "promptmill-test-prometheus"
_BUILD_SECONDS = 600.0
# A name is looked up, a target scraped and a rule evaluated each 10 s.
_SEEN_SECONDS = 180.0


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


async def test_every_replica_is_scraped_and_every_alert_evaluated(prometheus: Prometheus) -> None:
    async def all_are_scraped() -> bool:
        targets = (await prometheus.ask("targets"))["activeTargets"]
        found = sorted((target["labels"]["job"], target["health"]) for target in targets)
        return found == [("promptmill-api", "up"), *[("promptmill-consumer", "up")] * 2]

    async def alerts_are_evaluated() -> bool:
        groups = (await prometheus.ask("rules"))["groups"]
        health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
        return {alert["alert"] for alert in ALERTS} <= health.keys() and set(health.values()) == {"ok"}

    for condition in (all_are_scraped, alerts_are_evaluated):
        await until(condition, deadline=_SEEN_SECONDS, what=condition.__name__, ignoring=(aiohttp.ClientError,))

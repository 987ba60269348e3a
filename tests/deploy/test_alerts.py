"""Alerts by Prometheus's own tool, each with a runbook and a case in which it fires."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.docker import ROOT
from tests.support.prometheus import promtool

RULES = ROOT / "deploy" / "helm" / "promptmill" / "files" / "alerts.yml"
CASES = ROOT / "deploy" / "prometheus" / "alerts.test.yml"
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]
]


def named(alert: dict[str, Any]) -> str:
    return str(alert["alert"])


async def test_prometheus_takes_the_rules_and_the_configuration(tmp_path: Path) -> None:
    config = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8")
    (tmp_path / "prometheus.yml").write_text(config)
    (tmp_path / "alerts.yml").write_text(RULES.read_text("utf-8"))
    status, said = await promtool("check", "config", tmp_path / "prometheus.yml")
    assert status == 0, said
    assert f"{len(ALERTS)} rules found" in said


async def test_every_alert_fires_where_it_is_to_and_nowhere_else() -> None:
    status, said = await promtool("test", "rules", CASES)
    assert status == 0, said
    cases = yaml.safe_load(CASES.read_text("utf-8"))["tests"]
    fired = {
        re.search(r'alertname="(\w+)"', sample["labels"])[1]  # type: ignore[index]  # every sample is of an alert
        for case in cases
        for asked in case["promql_expr_test"]
        for sample in asked["exp_samples"]
    }
    assert fired == {named(alert) for alert in ALERTS}


async def test_an_alert_that_would_not_fire_is_seen(tmp_path: Path) -> None:
    rules, cases = RULES.read_text("utf-8"), CASES.read_text("utf-8")
    (tmp_path / "alerts.yml").write_text(rules.replace("promptmill_brake_on) == 1", "promptmill_brake_on) == 2"))
    (tmp_path / "cases.yml").write_text(cases.replace("../helm/promptmill/files/alerts.yml", "alerts.yml"))
    status, said = await promtool("test", "rules", tmp_path / "cases.yml")
    assert status == 1
    assert "PromptmillBrakeOn" in said


@pytest.mark.parametrize("alert", ALERTS, ids=named)
def test_what_an_alert_adds_up_is_of_one_release(alert: dict[str, Any]) -> None:
    added = re.findall(r"\b(?:sum|min|max|avg|count|group)\b ?(by \([\w, ]+\))?", alert["expr"])
    assert all(labels.startswith("by (namespace, release") for labels in added)
    # One that adds up nothing is of a process.
    assert added or alert["expr"].startswith("up{")


@pytest.mark.parametrize("alert", ALERTS, ids=named)
def test_an_alert_says_what_it_is_and_where_its_runbook_stands(alert: dict[str, Any]) -> None:
    said = alert["annotations"]
    assert said["summary"].endswith(".")
    assert said["description"]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert said["runbook_url"] == f"docs/operations.md#{named(alert).lower()}"
    found = re.search(rf"^### {named(alert)}\n\n(.+?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, "no runbook"
    assert len(found[1].split()) >= 20


def test_there_is_no_runbook_without_an_alert() -> None:
    runbooks = PAGE[PAGE.index("\n## Runbooks\n") :]
    assert re.findall(r"^### (\w+)$", runbooks, re.MULTILINE) == [named(alert) for alert in ALERTS]

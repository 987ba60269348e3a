"""What the dashboard and the alerts ask for is there to be asked for."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.metrics_page import metrics_in
from tests.support.docker import ROOT

FILES = ROOT / "deploy" / "helm" / "promptmill" / "files"
_OF_A_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


def documented() -> set[str]:
    """The metrics that docs/metrics.md names; a test of its own holds it to what there is."""
    return set(metrics_in((ROOT / "docs" / "metrics.md").read_text("utf-8")))


def dashboard_expressions(path: Path) -> list[str]:
    """What the panels ask for, with each variable at its default, which is all there are."""
    dashboard: dict[str, Any] = json.loads(path.read_text("utf-8"))
    expressions: list[str] = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            assert variable["current"]["value"] == ["$__all"]
            expressions = [text.replace(f"${variable['name']}", variable["allValue"]) for text in expressions]
    return expressions


def alert_expressions(path: Path) -> list[str]:
    groups: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


@pytest.mark.parametrize(
    "expressions",
    [dashboard_expressions(FILES / "dashboard.json"), alert_expressions(FILES / "alerts.yml")],
    ids=["dashboard", "alerts"],
)
def test_every_metric_asked_for_is_exported(expressions: list[str]) -> None:
    asked = {name for expression in expressions for name in re.findall(r"promptmill_\w+", expression)}
    assert len(asked) > 15
    known = documented()
    assert {name for name in asked if {name, _OF_A_HISTOGRAM.sub("", name)}.isdisjoint(known)} == set()


def test_every_panel_can_be_narrowed_to_a_namespace_and_a_release() -> None:
    for expression in dashboard_expressions(FILES / "dashboard.json"):
        asked = re.findall(r"\b(?:promptmill|process)_\w+", expression)
        assert asked
        assert expression.count('namespace=~".*",release=~".*"}') == len(asked), expression


def test_panels_do_not_overlap_and_have_numbers_of_their_own() -> None:
    panels: list[dict[str, Any]] = json.loads((FILES / "dashboard.json").read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert {x for x, _ in cells} == set(range(24))

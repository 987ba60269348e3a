"""Whatever is deployed names settings that exist, and lag of the group that the workers are in."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from common.setting_names import ENV_DELIMITER, OTHER_VARIABLES, variable_name
from common.task import Lane
from common.topics import TopicNames
from consumer.settings import Settings as WorkerSettings
from deploy.checks import facts
from producer_api.settings import Settings as ApiSettings
from tests.deploy.test_chart_facts import good
from tests.support.docker import ROOT

_DEPLOYED = [
    ROOT / "docker-compose.yml",
    ROOT / ".env.example",
    ROOT / "deploy" / "Dockerfile",
    *sorted((ROOT / "deploy" / "compose").glob("*.env")),
    *sorted((ROOT / "deploy" / "helm" / "promptmill" / "templates").glob("*")),
    ROOT / "docs" / "operations.md",
    ROOT / "README.md",
]


def variables(settings: type[BaseModel]) -> Iterator[str]:
    for group, field in settings.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        for name in field.annotation.model_fields:
            yield variable_name(group, name)


@pytest.mark.parametrize("file", _DEPLOYED, ids=lambda file: file.name)
def test_every_setting_that_is_named_exists(file: Path) -> None:
    named = set(re.findall(r"PROMPTMILL_[A-Z]+__[A-Z_]+[A-Z]", file.read_text("utf-8")))
    assert named <= {*variables(ApiSettings), *variables(WorkerSettings)}


def test_what_compose_alone_reads_is_no_misspelt_setting() -> None:
    files = [ROOT / "docker-compose.yml", ROOT / ".env.example"]
    named = {name for file in files for name in re.findall(r"\bPROMPTMILL_[A-Z_]+[A-Z]", file.read_text("utf-8"))}
    assert {name for name in named if ENV_DELIMITER not in name} <= OTHER_VARIABLES


def test_the_charts_check_knows_the_groups_and_topics_that_there_are() -> None:
    names = TopicNames("promptmill.")
    triggers = good()["scaled"]["spec"]["triggers"]
    assert {trigger["metadata"]["consumerGroup"] for trigger in triggers} == {names.llm_group}
    assert {trigger["metadata"]["topic"] for trigger in triggers} == {names.tasks(lane) for lane in Lane}
    assert facts.complaints(list(good().values())) == []


def test_each_variable_that_the_chart_sets_is_one_that_may_not_be_set_besides() -> None:
    templates = ROOT / "deploy" / "helm" / "promptmill" / "templates"
    texts = [file.read_text("utf-8") for file in templates.glob("*")]
    written = {name for text in texts for name in re.findall(r"name: (PROMPTMILL_\w+)", text)}
    own = set(re.findall(r"^(PROMPTMILL_\w+): ", (templates / "_own_variables.tpl").read_text("utf-8"), re.MULTILINE))
    assert written == own

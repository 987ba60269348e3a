"""The version stands in one place; whatever repeats it must agree."""

import re
import tomllib
from typing import Any

import yaml

from tests.deploy.compose import version
from tests.support.docker import ROOT


def text(*path: str) -> str:
    return ROOT.joinpath(*path).read_text("utf-8")


def test_the_chart_installs_the_images_of_this_version() -> None:
    chart: dict[str, Any] = yaml.safe_load(text("deploy", "helm", "promptmill", "Chart.yaml"))
    assert chart["appVersion"] == version()
    assert not yaml.safe_load(text("deploy", "helm", "promptmill", "values.yaml"))["image"]["tag"]


def test_the_example_of_settings_names_this_version() -> None:
    assert f"#PROMPTMILL_VERSION={version()}\n" in text(".env.example")


def test_the_changelog_has_what_is_not_released_and_versions_that_descend() -> None:
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    released = [tuple(map(int, number.split("."))) for number, _ in headings[1:]]
    assert released == sorted(released, reverse=True)
    assert all(date for _, date in headings[1:])
    assert all(number <= tuple(map(int, version().split("."))) for number in released)


def test_a_source_archive_has_all_that_images_and_chart_are_made_of() -> None:
    included = tomllib.loads(text("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text("deploy", "Dockerfile"), re.MULTILINE)
    sources = {source for line in copied for source in line.split()} | {"deploy", "requirements", "docker-compose.yml"}
    # pyproject.toml is always in it.
    assert sources - {"pyproject.toml"} <= {name.removeprefix("/") for name in included}

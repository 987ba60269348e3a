"""What docs/operations.md computes is right, and what it takes from elsewhere stands there."""

import json
import math
import re
from collections.abc import Iterator
from statistics import median

import pytest

from common.settings import KafkaSettings
from tests.deploy.arithmetic import evaluated
from tests.support.docker import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
SUFFIXES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def section(heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}$(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def number(text: str) -> float:
    found = re.fullmatch(r"([\d.,]+) ?([kMGT]?)", text)
    assert found is not None, text
    return float(found[1].replace(",", "")) * SUFFIXES[found[2]]


def given() -> dict[str, float]:
    named = ((re.fullmatch(r"`(\w+)`", cells[0]), cells[1]) for cells in rows(section("Capacity")))
    return {name[1]: number(value) for name, value in named if name and not value.startswith("`")}


def formulas() -> list[tuple[str, str, float]]:
    return [
        (cells[0].strip("`"), cells[1].strip("`"), number(cells[2]))
        for cells in rows(section("Capacity"))
        if cells[1].startswith("`") and cells[0].startswith("`")
    ]


def test_the_worked_example_follows_from_its_formulas() -> None:
    known = given()
    assert len(known) == 13
    told = {name: value for name, _, value in formulas()}
    assert len(told) == 12
    computed = {}
    for name, formula, _ in formulas():
        known[name] = computed[name] = evaluated(formula, known)
    assert {name: round(value, 1) for name, value in computed.items()} == told


def test_the_examples_partitions_are_those_of_a_new_topic() -> None:
    assert given()["partitions"] == KafkaSettings().task_partitions


@pytest.mark.parametrize(("workers", "said"), [(7, "1.17"), (23, "1.92")])
def test_how_unevenly_partitions_fall(workers: int, said: str) -> None:
    formula = next(formula for name, formula, _ in formulas() if name == "busiest_share")
    assert f"{evaluated(formula, given() | {'workers': workers}):.2f}" == said
    assert f"{said} for" in section("Capacity")


def test_what_a_multiple_needs_follows_from_its_formulas() -> None:
    head, *body = list(rows(section("Ten times, a hundred, a thousand")))
    tasks = [number(cell) for cell in head[1:]]
    assert tasks == [given()["tasks_per_second"] * factor for factor in (1, 10, 100, 1000)]
    computed = [(cells, re.search(r": `([^`]+)`$", cells[0])) for cells in body]
    assert sum(formula is not None for _, formula in computed) == 10
    for cells, formula in computed:
        if formula is not None:
            found = [evaluated(formula[1], given() | {"tasks": each}) for each in tasks]
            assert found == pytest.approx([number(cell) for cell in cells[1:]], rel=0.005), cells[0]
    slots = next([number(cell) for cell in cells[1:]] for cells in body if cells[0].startswith("slots"))
    workers = next([number(cell) for cell in cells[1:]] for cells in body if cells[0].startswith("workers, of"))
    assert workers == [math.ceil(all_slots / each) for all_slots, each in zip(slots, (50, 200, 500, 500), strict=True)]


@pytest.mark.parametrize(
    ("suite", "case", "figure", "said"),
    [
        ("worker", "100 ms, 200 at once", "per_second", "1,000 tasks a second"),
        ("ingest", "1 prompt a request, 64 requests at once", "per_second", "1,300 prompts a second"),
        ("ingest", "1,000 prompts a request, 4 requests at once", "per_second", "21,000 in requests of 1,000"),
        ("poll", "100 ids a request, 16 requests at once", "per_second", "33,000 polled ids a second"),
    ],
)
def test_no_more_is_promised_than_was_measured(suite: str, case: str, figure: str, said: str) -> None:
    assert said in " ".join(section("Capacity").split())
    suites = json.loads((ROOT / "docs" / "performance" / "results.json").read_text("utf-8"))
    (measured,) = [
        row["figures"][figure]
        for each in suites
        if each["suite"] == suite
        for row in each["rows"]
        if (row["case"], row["contender"]) == (case, "Promptmill")
    ]
    assert number(said.split(maxsplit=1)[0]) <= median(measured)


def test_every_address_on_the_page_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors
    files = re.findall(r"\]\(((?!https?:)[^)#]+)", PAGE)
    assert files
    assert [file for file in files if not (ROOT / "docs" / file).exists()] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))))
def test_every_test_that_is_named_exists(name: str) -> None:
    assert (ROOT / name).is_file()

"""Every address on a page of ours that does not leave the project leads somewhere."""

import re
from pathlib import Path

import pytest

from tests.support.docker import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, address: str) -> bool:
    file, _, anchor = address.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or target.suffix != ".md" or anchor in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_address_leads_somewhere(page: Path) -> None:
    addresses = re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8"))
    assert [address for address in addresses if not leads_somewhere(page, address)] == []


def test_pages_do_name_others() -> None:
    assert leads_somewhere(ROOT / "docs/api.md", "performance.md#cancel")
    assert not leads_somewhere(ROOT / "docs/api.md", "performance.md#nothing-of-the-kind")
    assert not leads_somewhere(ROOT / "docs/api.md", "no-such-page.md")

"""`docs/performance.md`: its words are written by hand, what stands between a suite's marks by the results."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.plots import draw
from benchmarks.results import SuiteResult
from benchmarks.tables import section

_WORDS = Path(__file__).parents[1] / "docs" / "performance.md"


def write_page(page: Path, results: Mapping[str, SuiteResult]) -> None:
    """Write every suite's tables into the page, and its drawing beside it.

    A page that is not there yet begins with the words of `docs/performance.md`.

    Raises:
        ValueError: The page has no marks for a suite.
    """
    text = (page if page.exists() else _WORDS).read_text("utf-8")
    for result in results.values():
        text = with_section(text, result.suite, section(result))
        draw(result, page.with_suffix("") / f"{result.suite}.svg")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, "utf-8")


def with_section(text: str, suite: str, content: str) -> str:
    """Return the page with other content between the suite's marks.

    Raises:
        ValueError: It has no such marks.
    """
    begin, end = f"<!-- measured: {suite} -->", f"<!-- end: {suite} -->"
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"the page needs the lines {begin} and {end}")
    return f"{before}{begin}\n{content}{end}{after}"

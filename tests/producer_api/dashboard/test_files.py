"""The files as they are read and named, and that they are all of them in what is installed."""

import re
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from producer_api.dashboard import files as module
from producer_api.dashboard.files import dashboard_of, read_dashboard

ROOT = Path(__file__).parents[3]
STATIC = Path(module.__file__).parent / "static"
PAGE = b"<head>\n<!-- files -->\n</head>"
SOME = {
    "index.html": PAGE,
    "app.js": b"1",
    "first-paint.js": b"2",
    "parts/a.js": b"3",
    "style/b.css": b"4",
    "mark.svg": b"5",
}


def test_every_file_but_the_page_is_served_by_its_path() -> None:
    found = {str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file()}
    assert {"index.html", "app.js", "first-paint.js", "mark.svg"} <= found
    assert set(read_dashboard().by_path) == found - {"index.html"}


def test_the_page_names_each_style_and_module_under_the_digest_of_all() -> None:
    files = dashboard_of(SOME)
    page = files.page.content.decode()
    named = re.findall(r'(?:src|href)="dashboard/([0-9a-f]{16})/([^"]+)"', page)
    assert {version for version, _ in named} == {files.version}
    assert [path for _, path in named] == [
        "first-paint.js",
        "mark.svg",
        "style/b.css",
        "app.js",
        "parts/a.js",
        "app.js",
    ]


def test_the_digest_is_another_when_any_file_is_another() -> None:
    versions = {dashboard_of(SOME).version}
    versions |= {dashboard_of({**SOME, path: content + b" "}).version for path, content in SOME.items()}
    versions.add(dashboard_of({path.replace("parts/a", "parts/c"): content for path, content in SOME.items()}).version)
    assert len(versions) == len(SOME) + 2


def test_a_file_of_a_kind_that_is_not_known_is_refused() -> None:
    with pytest.raises(KeyError):
        dashboard_of({**SOME, "notes.txt": b""})


def test_no_module_makes_markup_or_code_of_text() -> None:
    """The policy forbids it in the browser; here it is found before."""
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc"
    )
    modules = {path: path.read_text() for path in STATIC.rglob("*.js")}
    assert modules
    assert [str(path) for path, text in modules.items() if forbidden.search(text)] == []


def test_nothing_names_a_place_elsewhere() -> None:
    for path in (path for path in STATIC.rglob("*.*") if path.is_file()):
        places = set(re.findall(r"""https?://[^\s"'`)]+|["'`(]//[^\s"'`)]+""", path.read_text()))
        assert places <= {"http://www.w3.org/2000/svg"}, path


def test_the_wheel_has_every_file(tmp_path: Path) -> None:
    [wheel] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("producer_api/dashboard/static/")}
    assert packed == {
        f"producer_api/dashboard/static/{path.relative_to(STATIC)}" for path in STATIC.rglob("*.*") if path.is_file()
    }

import sys
from pathlib import Path

import pytest

from tests.browser.program import VARIABLE, Machine, NoBrowser, advice, installed, ways

OWN = Path("/own/chrome")


def a_machine(*programs: str, has_own: bool = False, is_root: bool = False, named: str = "") -> Machine:
    return Machine(
        {VARIABLE: named},
        OWN,
        is_root=is_root,
        which=lambda name: f"/bin/{name}" if name in programs else None,
        exists=lambda path: has_own and path == OWN,
    )


def test_the_system_s_browser_is_taken_before_playwright_s_own() -> None:
    assert installed(a_machine("chromium", "google-chrome", has_own=True)) == Path("/bin/chromium")
    assert installed(a_machine("google-chrome", has_own=True)) == Path("/bin/google-chrome")
    assert installed(a_machine(has_own=True)) == OWN
    assert installed(a_machine()) is None


def test_a_browser_that_is_named_is_taken_or_refused() -> None:
    assert installed(a_machine("chromium", "brave", named="brave")) == Path("/bin/brave")
    with pytest.raises(NoBrowser, match="brave"):
        installed(a_machine("chromium", named="brave"))


def test_root_takes_debian_s_package_first_and_others_playwright_s_own_alone() -> None:
    own = [(sys.executable, "-m", "playwright", "install", "chromium")]
    [debian, then] = ways(a_machine("apt-get", is_root=True))
    assert debian[-1] == ("apt-get", "install", "-y", "--no-install-recommends", "chromium")
    assert then == own
    assert ways(a_machine("apt-get")) == [own]
    assert ways(a_machine(is_root=True)) == [own]


def test_who_has_no_browser_is_told_what_to_install() -> None:
    text = advice(["$ apt-get update -q\nno network\n(exit status 100)"])
    assert "apt-get install chromium" in text
    assert "playwright install chromium" in text
    assert VARIABLE in text
    assert "no network" in text

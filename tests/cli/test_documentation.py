"""`docs/cli.md` has every command and option there is, and no other."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.app import create_app
from cli.exit_codes import ExitCode

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]+|-[a-z])(?![\w-])")
# What every command has: said once for all of them.
EVERYWHERE = {"--help", "-h"}


def commands() -> dict[str, Any]:
    """Every command, as typer's own kind of object, by its words, groups that do something themselves among them."""
    root = typer.main.get_command(create_app())

    def below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        children = getattr(command, "commands", {})
        if words and (not children or getattr(command, "invoke_without_command", False)):
            yield " ".join(words), command
        for name, child in children.items():
            yield from below(child, (*words, name))

    return dict(below(root, ()))


COMMANDS = commands()


def options_of(command: Any) -> set[str]:
    return {
        name
        for parameter in command.params
        if parameter.param_type_name == "option"
        for name in (*parameter.opts, *parameter.secondary_opts)
    } - EVERYWHERE


def section(title: str) -> str:
    """What stands under a heading, up to the next one that is as high or higher."""
    found = re.search(rf"^(#+) {re.escape(title)}$", PAGE, re.MULTILINE)
    assert found is not None, f"no heading {title}"
    following = re.compile(rf"^#{{1,{len(found[1])}}} ", re.MULTILINE).search(PAGE, found.end())
    return PAGE[found.end() : following.start() if following else len(PAGE)]


def section_of(command: str) -> str:
    return section("dead-letters" if command.startswith("dead-letters") else command)


def examples() -> list[list[str]]:
    """The words of every call of ours in a block of shell."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    calls = [call for line in lines for call in re.split(r"[|>]", line) if "promptmill " in call]
    words = [shlex.split(call, comments=True) for call in calls]
    return [call[call.index("promptmill") + 1 :] for call in words]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_documented_with_an_example_and_every_option(command: str) -> None:
    text = section_of(command)
    assert any(call[: len(command.split())] == command.split() for call in examples()), f"no example of {command}"
    # An example alone does not say what an option is for.
    prose = re.sub(r"```sh\n.*?```", "", text, flags=re.DOTALL)
    missing = options_of(COMMANDS[command]) - set(_OPTION.findall(prose))
    assert missing == set()


def test_no_option_is_documented_that_no_command_has() -> None:
    known = {option for command in COMMANDS.values() for option in options_of(command)}
    known |= {"--version", "--install-completion", "--show-completion", "--help"}
    # Of other programs.
    text = re.sub(r"jq -r|^.*chmod.*$", "", PAGE, flags=re.MULTILINE)
    assert set(_OPTION.findall(text)) - known == set()


def test_each_example_is_a_command_with_options_that_it_has() -> None:
    for call in examples():
        if call[0].startswith("-"):
            continue
        name = " ".join(call[:2]) if " ".join(call[:2]) in COMMANDS else call[0]
        given = {word for word in call if re.fullmatch(r"--?[a-z][a-z-]*", word)}
        assert given <= options_of(COMMANDS[name]), call


def test_every_command_has_json() -> None:
    assert {name for name, command in COMMANDS.items() if "--json" not in options_of(command)} == set()
    table = section("JSON")
    for name in COMMANDS:
        assert f"`{name}`" in table or f"`{name.split()[-1]}`" in table, name


def test_every_exit_status_is_documented_in_its_own_words() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", section("Exit status"), re.MULTILINE)
    assert rows == [(str(code.value), code.meaning) for code in ExitCode]

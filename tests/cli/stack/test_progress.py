import io

import pytest
from rich.console import Console

from cli.stack.errors import StackError
from cli.stack.progress import display


def _console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100)


def _shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_each_stage_is_a_plain_line() -> None:
    console = _console(terminal=False)
    with display(console) as shown, shown.step("Kafka") as step:
        step.expect(40_000_000)
        for _ in range(8):
            step.arrived(5_000_000)
        step.doing("starting")
    lines = _shown(console).splitlines()
    assert lines[:-1] == [
        "Kafka: downloading 40 MB",
        "Kafka: 25 % of 40 MB",
        "Kafka: 50 % of 40 MB",
        "Kafka: 75 % of 40 MB",
        "Kafka: 100 % of 40 MB",
        "Kafka: starting",
    ]
    assert lines[-1].startswith("Kafka: ready after ")


def _fail_on(console: Console) -> None:
    with display(console) as shown, shown.step("Kafka") as step:
        step.doing("starting")
        raise StackError("no")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_step_that_failed_is_never_called_ready(*, terminal: bool) -> None:
    console = _console(terminal=terminal)
    with pytest.raises(StackError):
        _fail_on(console)
    assert "starting" in _shown(console)
    assert "ready" not in _shown(console)


def test_on_a_terminal_the_step_ends_as_ready() -> None:
    console = _console(terminal=True)
    with display(console) as shown:
        with shown.step("Kafka") as step:
            step.expect(40_000_000)
            step.arrived(10_000_000)
            step.doing("starting")
        shown.finish()
        shown.say("[bold] is not markup here")
    assert "ready" in _shown(console)
    assert "[bold] is not markup here" in _shown(console)

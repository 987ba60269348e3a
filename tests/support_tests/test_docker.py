import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.docker import DOCKER_VARIABLE, CommandLine, docker_is_required

_ROOT = Path(__file__).parents[2]
_CONTAINER_TESTS = "tests/deploy/test_compose.py"


def run_without_docker(tmp_path: Path, choice: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of containers where no docker command is on PATH."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", _CONTAINER_TESTS],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        | {DOCKER_VARIABLE: choice},
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_docker_the_summary_says_aloud_what_was_left_out(tmp_path: Path) -> None:
    run = run_without_docker(tmp_path, "auto")
    assert run.returncode == 0, run.stdout
    assert "CONTAINERS WERE NOT TESTED" in run.stdout
    assert "no containers here: there is no docker command" in run.stdout


def test_where_docker_is_required_a_run_without_it_fails(tmp_path: Path) -> None:
    run = run_without_docker(tmp_path, "required")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR, run.stdout
    assert "there is no docker command" in run.stderr + run.stdout


def test_a_misspelt_choice_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=f"{DOCKER_VARIABLE}=yes: choose auto or required"):
        docker_is_required({DOCKER_VARIABLE: "yes"})


async def test_a_command_that_fails_says_what_it_printed() -> None:
    with pytest.raises(AssertionError, match=r"(?s)exit status 3.*the reason"):
        await CommandLine().run("sh", "-c", "echo the reason >&2; exit 3")


async def test_a_command_that_does_not_end_is_ended() -> None:
    with pytest.raises(AssertionError, match=r"still running after 0\.1 s"):
        await CommandLine().run("sleep", "600", deadline=0.1)

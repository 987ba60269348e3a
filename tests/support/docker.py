"""Docker as tests use it: whether it can be had here, and its command line."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

DOCKER_VARIABLE = "PROMPTMILL_TEST_DOCKER"
_CHOICES = ("auto", "required")
_ASK_SECONDS = 20

# A developer's own settings must not decide a test; these tell where Docker is and how it is reached.
_FROM_OUTSIDE = ("HOME", "LANG", "PATH", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "BUILDX_CONFIG")


def docker_is_required(environ: Mapping[str, str]) -> bool:
    """Tell whether a run without Docker is a failed one: ``PROMPTMILL_TEST_DOCKER=required``.

    Raises:
        ValueError: The variable says something else; the text names what it may say.
    """
    choice = environ.get(DOCKER_VARIABLE, "auto")
    if choice not in _CHOICES:
        raise ValueError(f"{DOCKER_VARIABLE}={choice}: choose {' or '.join(_CHOICES)}")
    return choice == "required"


def docker_hindrance() -> str | None:
    """Why containers cannot be run here; None where they can."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    for part, question in (
        ("the Docker daemon", ["docker", "version", "--format", "{{.Server.Version}}"]),
        ("Docker Compose", ["docker", "compose", "version"]),
        ("Docker Buildx", ["docker", "buildx", "version"]),
    ):
        try:
            subprocess.run(question, capture_output=True, check=True, timeout=_ASK_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            return f"{part} does not answer ({type(error).__name__})"
    return None


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed; ``status`` is its exit status."""

    status: int
    out: str
    err: str


class CommandLine:
    """Runs commands at the project's root, with nothing of a developer's settings around them.

    Args:
        environ: Variables beside those that every command needs.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = {
            **{name: os.environ[name] for name in _FROM_OUTSIDE if name in os.environ},
            **(environ or {}),
        }

    async def run(self, *command: str, deadline: float = 120.0) -> str:
        """Run a command and return its standard output.

        Raises:
            AssertionError: It failed, or had not ended by the deadline, in seconds; the text has what it said.
        """
        output = await self.try_run(*command, deadline=deadline)
        assert output.status == 0, f"{' '.join(command)}: exit status {output.status}\n{output.err}\n{output.out}"
        return output.out

    async def try_run(self, *command: str, deadline: float = 120.0) -> Output:
        """Run a command and return what it said, whatever its end.

        Raises:
            AssertionError: It had not ended by the deadline, in seconds.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(deadline):
                out, err = await process.communicate()
        except TimeoutError:
            raise AssertionError(f"{' '.join(command)}: still running after {deadline:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Output(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

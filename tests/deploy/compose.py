"""The Compose file as a test runs it: a project of its own, on ports of its own."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.docker import ROOT, CommandLine

_OVERRIDE = ROOT / "tests" / "deploy" / "compose.test.yml"
_UP_SECONDS = 400.0
_DOWN_SECONDS = 120.0
# From nothing: every pinned package is downloaded.
_BUILD_SECONDS = 1200.0


def version() -> str:
    """Return the project's version, as the images are tagged."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def image(target: str) -> str:
    """Return the name of the image that Compose builds of a target."""
    return f"promptmill-{target}:{version()}"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a service; ``state`` is Docker's word: running, exited, …"""

    name: str
    state: str
    exit_status: int


class Compose:
    """Runs `docker compose` on the project's own file.

    Args:
        project: What its containers and volumes are named after.
        variables: What the file is told, instead of a `.env`.
        folder: Takes the file of variables.
    """

    def __init__(self, project: str, variables: Mapping[str, str], folder: Path) -> None:
        self.project = project
        env_file = folder / "compose.env"
        env_file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()), "utf-8")
        self._line = CommandLine()
        self._command = (
            *("docker", "compose", "--progress", "plain", "--project-name", project),
            *("--project-directory", str(ROOT), "--env-file", str(env_file)),
            *("--file", str(ROOT / "docker-compose.yml"), "--file", str(_OVERRIDE)),
        )

    async def resolved(self, variables: Mapping[str, str]) -> dict[str, Any]:
        """Return the project's own file as Compose reads it with these variables and no others."""
        command = ("docker", "compose", "--env-file", "/dev/null", "config", "--format", "json")
        found = json.loads(await CommandLine(variables).run(*command))
        assert isinstance(found, dict)
        return found

    async def build(self, *services: str) -> None:
        """Build our images."""
        await self._run("build", *services, deadline=_BUILD_SECONDS)

    async def up(self, *services: str, consumers: int = 1) -> None:
        """Start what is not running, and wait until all is healthy.

        Raises:
            AssertionError: Something did not become so; the end of every log is told.
        """
        scale = ("--scale", f"consumer={consumers}")
        output = await self._line.try_run(
            *self._command, "up", "--wait", "--no-build", "--no-recreate", *scale, *services, deadline=_UP_SECONDS
        )
        assert output.status == 0, f"up: exit status {output.status}\n{output.err}\n{await self.logs()}"

    async def down(self) -> None:
        """Stop and remove the containers; volumes stay."""
        await self._run("down", deadline=_DOWN_SECONDS)

    async def remove(self) -> None:
        """Remove all that is of the project, of every profile, with its volumes."""
        await self._run(
            "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", deadline=_DOWN_SECONDS
        )

    async def containers(self, service: str) -> list[Container]:
        """Return the containers of a service, those that have ended too."""
        lines = (await self._run("ps", "--all", "--format", "json", service)).splitlines()
        found: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [Container(each["Name"], each["State"], each["ExitCode"]) for each in found]

    async def run_cli(self, *arguments: str) -> str:
        """Run the command line in its own image; returns what it printed."""
        return await self._run("run", "--rm", "--no-TTY", "--no-deps", "cli", *arguments)

    async def logs(self) -> str:
        """Return the end of every log."""
        return await self._run("logs", "--tail", "30")

    async def _run(self, *arguments: str, deadline: float = 60.0) -> str:
        return await self._line.run(*self._command, *arguments, deadline=deadline)

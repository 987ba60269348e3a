"""What of a working folder reaches a build, as Docker reads .dockerignore."""

import shutil
import tarfile
import uuid
from pathlib import Path

import pytest

from tests.deploy.test_release import PACKAGES, files_of
from tests.support.docker import ROOT, CommandLine

pytestmark = pytest.mark.docker

_BESIDE_PACKAGES = {
    "pyproject.toml", "README.md", "LICENSE",
    "requirements/service.txt", "requirements/build.txt", "requirements/model.txt",
}  # fmt: skip
_PLANTED = {
    ".env", "common/.env", "cli/.env.local", "consumer/deep/id_rsa", "common/secret/id_rsa.pem", "cli/tls.key",
    "keys.p12", "common/keys.p12", "notes.txt", "benchmarks/report.json", "common/__pycache__/x.pyc",
}  # fmt: skip


async def context_of(folder: Path, docker: CommandLine, tmp_path: Path) -> set[str]:
    """The files of a folder that Docker sends to a build."""
    dockerfile, archive = tmp_path / "Dockerfile", tmp_path / "context.tar"
    dockerfile.write_text("FROM scratch\nCOPY . /context\n")
    name = f"promptmill-test-context-{uuid.uuid4().hex[:8]}"
    await docker.run("docker", "build", "--quiet", "--file", str(dockerfile), "--tag", name, str(folder))
    try:
        # It is never started, and only for that it needs a command.
        await docker.run("docker", "create", "--name", name, name, "none")
        try:
            await docker.run("docker", "export", "--output", str(archive), name)
        finally:
            await docker.run("docker", "rm", name)
    finally:
        await docker.run("docker", "rmi", name)
    with tarfile.open(archive) as found:
        return {
            each.name.removeprefix("context/") for each in found if each.isfile() and each.name.startswith("context/")
        }


async def test_all_that_an_image_is_made_of_reaches_a_build_and_no_secret_beside_it(
    docker: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    wanted = files_of(ROOT) | _BESIDE_PACKAGES
    for name in (*wanted, ".dockerignore"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in _PLANTED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("planted")
    assert {name.partition("/")[0] for name in wanted} >= set(PACKAGES)
    assert await context_of(folder, docker, tmp_path) == wanted

"""Wheel and source archive, built as `make dist` builds them."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.deploy.compose import version
from tests.support.docker import ROOT

PACKAGES = ("common", "producer_api", "consumer", "cli")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both; nothing is downloaded for it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return folder


def files_of(folder: Path) -> set[str]:
    return {
        str(file.relative_to(folder))
        for package in PACKAGES
        for file in (folder / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_both_are_named_by_the_version(built: Path) -> None:
    assert {file.name for file in built.iterdir()} == {
        f"promptmill-{version()}-py3-none-any.whl",
        f"promptmill-{version()}.tar.gz",
    }


def test_the_wheel_has_every_file_of_our_packages_and_says_its_version(built: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(next(built.glob("*.whl")), tmp_path, "zip")
    assert files_of(tmp_path) == files_of(ROOT)
    said = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "--version"],
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout == f"promptmill {version()}\n"


def test_the_source_archive_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / f"promptmill-{version()}"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "again")],
        cwd=unpacked,
        check=True,
        capture_output=True,
        text=True,
    )
    first, again = (next(folder.glob("*.whl")) for folder in (built, tmp_path / "again"))
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(again) as other:
        assert {item.filename: item.CRC for item in one.infolist()} == {
            item.filename: item.CRC for item in other.infolist()
        }


def test_the_source_archive_has_what_a_release_is_made_and_checked_with(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for needed in (
        "Makefile",
        "docker-compose.yml",
        "deploy/Dockerfile",
        "deploy/helm/promptmill/Chart.yaml",
        ".env.example",
    ):
        assert needed in names

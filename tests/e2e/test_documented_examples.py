"""What the pages tell people to type is typed here, each page from its top to its end, as one session."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.deployment import Deployment

PROJECT = Path(__file__).parents[2]
DOCUMENTED_ADDRESS = "http://127.0.0.1:8000"
PAGES = ("README.md", "docs/start.md", "docs/api.md")
# An answer of 400 is no success, though plain curl takes it for one.
STRICT = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def examples(page: str, language: str) -> list[str]:
    """The blocks of a page that ask an API, or go on with what was asked, in their order."""
    blocks = BLOCK.findall((PROJECT / page).read_text())
    asking = {"sh": (DOCUMENTED_ADDRESS,), "python": (DOCUMENTED_ADDRESS, "client.")}[language]
    return [code for found, code in blocks if found == language and any(mark in code for mark in asking)]


async def run(program: Sequence[str], code: str, folder: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *program, stdin=PIPE, stdout=PIPE, stderr=STDOUT, cwd=folder, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    output, _ = await process.communicate(code.encode())
    return process.returncode, output.decode()


@pytest.mark.parametrize("page", PAGES)
async def test_the_commands_of_a_page_work_as_they_stand_there(
    page: str, deployment: Deployment, tmp_path: Path
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=8)
    blocks = examples(page, "sh")
    assert blocks
    code = STRICT + "\n".join(blocks).replace(DOCUMENTED_ADDRESS, api.url)

    ended, output = await run(("bash", "-s"), code, tmp_path)

    assert ended == 0, output
    assert '"status":"completed"' in output.replace('": "', '":"')


@pytest.mark.parametrize("page", ["docs/start.md", "docs/api.md"])
async def test_the_python_of_a_page_works_as_it_stands_there(page: str, deployment: Deployment, tmp_path: Path) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=8)
    blocks = examples(page, "python")
    assert blocks
    code = "\n".join(blocks).replace(DOCUMENTED_ADDRESS, api.url)

    ended, output = await run((sys.executable, "-"), code, tmp_path)

    assert ended == 0, output
    assert "echo: " in output


def test_each_page_of_the_documentation_is_named_on_its_first_one() -> None:
    first = (PROJECT / "docs/README.md").read_text()
    pages = {path.name for path in (PROJECT / "docs").glob("*.md")} - {"README.md"}

    assert {page for page in pages if f"({page})" in first} == pages
